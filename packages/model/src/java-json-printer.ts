// Prints values as fastjson does: compact, keys in order, absent members left out. Numeric keys are bare unless the
// reader needs standard JSON; keys that are objects stay objects.
import assert from 'node:assert'
import { JAVA_JSON_DEPTH_MAX } from './java-json.ts'

export interface JavaJsonFormat {
  /** How a Map's integer keys are written: `{0:"a"}`, as Java does by default, or `{"0":"a"}`. */
  readonly integerKeys: 'bare' | 'quoted'
}

const DEFAULT_FORMAT: JavaJsonFormat = { integerKeys: 'bare' }

/**
 * Text of plain objects, arrays, Maps, Sets and scalars. Members that are undefined or null are left out. A Map may
 * have text, integers or objects as keys; members of plain objects are always quoted. Asserts on what has no JSON.
 */
export function stringifyJavaJson(value: unknown, format: JavaJsonFormat = DEFAULT_FORMAT): string {
  return print(value, format, 0)
}

function print(value: unknown, format: JavaJsonFormat, depth: number): string {
  assert(depth <= JAVA_JSON_DEPTH_MAX, 'JSON is nested too deep')
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      assert(Number.isFinite(value), `${value} has no JSON`)
      return String(value)
    case 'object':
      return printObject(value, format, depth)
    default:
      assert.fail(`a ${typeof value} has no JSON`)
  }
}

function printObject(value: object | null, format: JavaJsonFormat, depth: number): string {
  if (value === null) return 'null'
  if (Array.isArray(value) || value instanceof Set) {
    return `[${[...value].map((item: unknown) => print(item ?? null, format, depth + 1)).join(',')}]`
  }
  const members: string[] = []
  for (const [key, member] of entriesInOrder(value, format, depth)) {
    if (member !== undefined && member !== null) members.push(`${key}:${print(member, format, depth + 1)}`)
  }
  return `{${members.join(',')}}`
}

/** Keys as they will be written. Integers ascend by value, all others by their text. */
function entriesInOrder(value: object, format: JavaJsonFormat, depth: number): (readonly [string, unknown])[] {
  if (!(value instanceof Map)) {
    const members = value as { readonly [name: string]: unknown }
    return Object.keys(members)
      .sort()
      .map((name) => [JSON.stringify(name), members[name]] as const)
  }
  const map = value as ReadonlyMap<unknown, unknown>
  const integers: [number, unknown][] = []
  const others: [string, unknown][] = []
  for (const [key, member] of map) {
    if (typeof key === 'number') integers.push([key, member])
    else others.push([print(key, format, depth + 1), member])
  }
  integers.sort(([left], [right]) => left - right)
  others.sort(([left], [right]) => (left < right ? -1 : 1))
  const quote = format.integerKeys === 'quoted' ? '"' : ''
  return [...integers.map(([key, member]) => [`${quote}${key}${quote}`, member] as const), ...others]
}
