// What a flag picks from a list, e.g. `--only java,go`.

/** All where there is no flag; throws at a name that is not on the list. */
export function chosen<T>(
  flag: string | undefined,
  kind: string,
  all: readonly T[],
  nameOf: (item: T) => string,
): readonly T[] {
  if (flag === undefined) return all
  const names = flag.split(',')
  const unknown = names.filter((name) => !all.some((item) => nameOf(item) === name))
  if (unknown.length > 0)
    throw new Error(`no such ${kind}: ${unknown.join(', ')}; there are ${all.map(nameOf).join(', ')}`)
  return all.filter((item) => names.includes(nameOf(item)))
}
