// Encoded message properties, looked at without building a map: sending touches a few names only.
// Text form: name 0x01 value 0x02, repeated. Java: MessageDecoder.string2messageProperties.

import { PropertyName } from '@rocketmq-ts/model'

/** Prefix of properties that only the broker writes; dropped from what clients send. */
export const OWN_PROPERTY_PREFIX = PropertyName.OWN_PREFIX

const NAME_END = '\u0001'
const VALUE_END = '\u0002'

/** The value of a property, undefined where it is absent or empty. The last occurrence wins, as in Java. */
export function findProperty(text: string, name: string): string | undefined {
  // Most names that are asked for are not there, and then no needle has to be made.
  if (!text.includes(name)) return undefined
  const needle = `${name}${NAME_END}`
  let from = text.length
  while (from >= 0) {
    const at = text.lastIndexOf(needle, from)
    if (at < 0) return undefined
    if (at === 0 || text[at - 1] === VALUE_END) {
      const start = at + needle.length
      const end = text.indexOf(VALUE_END, start)
      const value = text.slice(start, end < 0 ? text.length : end)
      if (value.length > 0) return value
    }
    from = at - 1
  }
  return undefined
}

/** Leaves out every property whose name `dropped` answers true for. What lies between two of them is copied as a whole. */
export function withoutProperties(text: string, dropped: (name: string) => boolean): string {
  let kept = ''
  let keptFrom = 0
  let next = 0
  for (let at = 0; at < text.length; at = next) {
    const found = text.indexOf(VALUE_END, at)
    const end = found < 0 ? text.length : found
    next = end + VALUE_END.length
    const nameEnd = text.indexOf(NAME_END, at)
    if (nameEnd > at && nameEnd < end && !dropped(text.slice(at, nameEnd))) continue
    kept += text.slice(keptFrom, at)
    keptFrom = next
  }
  if (keptFrom >= text.length) return kept
  return kept + text.slice(keptFrom) + (next > text.length ? VALUE_END : '')
}

/** Leaves out the properties that do not fit into `charsMax` characters behind those that do. */
export function propertiesThatFit(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  let kept = ''
  for (const entry of text.split(VALUE_END)) {
    if (entry !== '' && kept.length + entry.length + VALUE_END.length <= charsMax) kept += entry + VALUE_END
  }
  return kept
}

/** One property as text, for `withEntries`. */
export function entryOf(name: string, value: string): string {
  return name + NAME_END + value + VALUE_END
}

/** Appends entries; the caller knows that their names are not there yet. */
export function withEntries(text: string, entries: string): string {
  if (entries === '') return text
  return text === '' || text.endsWith(VALUE_END) ? text + entries : text + VALUE_END + entries
}

/** Appends a property; the caller knows that the name is not there yet. */
export function withProperty(text: string, name: string, value: string): string {
  return withEntries(text, entryOf(name, value))
}
