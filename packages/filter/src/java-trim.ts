// Java's idea of the space around a text.

const SPACE = 0x20

/** Without the characters up to the space, control characters too, at both ends. Java: String.trim. */
export function javaTrim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= SPACE) start += 1
  while (start < end && text.charCodeAt(end - 1) <= SPACE) end -= 1
  return text.slice(start, end)
}
