// The known name that was probably meant.

const DISTANCE_MAX = 3

/** The nearest of the names, letter case aside, or the same name of a part; undefined when none is near. */
export function nearestName(given: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let least = Math.min(DISTANCE_MAX, Math.floor(given.length / 2)) + 1 // of a short name some letters must agree
  for (const name of known) {
    if (name.endsWith(`.${given}`)) return name
    const distance = editDistance(given.toLowerCase(), name.toLowerCase())
    if (distance >= least) continue
    nearest = name
    least = distance
  }
  return nearest
}

/** Levenshtein distance; lengths that differ by more than the limit are not compared. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > DISTANCE_MAX) return Infinity
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    above = current
  }
  return above[b.length] ?? Infinity
}
