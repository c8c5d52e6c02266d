// JSON as fastjson writes it: maps may have bare integer keys or whole objects as keys, integers may pass 2^53, and an
// object met twice is written as {"$ref":"$.path"}. Depth, size and references are bounded.
import { BytesError, utf8Decode, utf8Length } from '@rocketmq-ts/bytes'
import { MqError } from './mq-error.ts'

/**
 * A parsed value. Integers beyond ±(2^53 − 1) are BigInt. An object with at least one object as its key is a Map, in
 * order; every other object has no prototype, so that `__proto__` is a member like any other.
 */
export type JavaJson = null | boolean | number | bigint | string | JavaJson[] | JavaJsonObject | JavaJsonMap
export interface JavaJsonObject {
  [member: string]: JavaJson
}
export type JavaJsonMap = Map<JavaJson, JavaJson>

export interface JavaJsonLimits {
  readonly bytesMax?: number
  readonly depthMax?: number
}

export const JAVA_JSON_BYTES_MAX = 16 * 1024 * 1024
export const JAVA_JSON_DEPTH_MAX = 32
const REFERENCES_MAX = 1024
const INTEGER_CHARS_MAX = 64

/**
 * Parses fastjson's dialect and standard JSON. MqError 'parameter-invalid' tells position and reason. References to
 * something that is not complete before them, or that holds references itself, stay as they were written.
 */
export function parseJavaJson(input: string | Uint8Array, limits: JavaJsonLimits = {}): JavaJson {
  const bytesMax = limits.bytesMax ?? JAVA_JSON_BYTES_MAX
  const bytes = typeof input === 'string' ? utf8Length(input) : input.length
  if (bytes > bytesMax) throw new MqError('parameter-invalid', `JSON: ${bytes} bytes, at most ${bytesMax} are accepted`)
  return new Parser(textOf(input), limits.depthMax ?? JAVA_JSON_DEPTH_MAX).parse()
}

function textOf(input: string | Uint8Array): string {
  if (typeof input === 'string') return input
  try {
    return utf8Decode(input, 'JSON')
  } catch (error) {
    if (error instanceof BytesError) throw new MqError('parameter-invalid', error.message)
    throw error
  }
}

/** True for what a JSON object became, whatever its keys. */
export function isJavaJsonObject(value: JavaJson | undefined): value is JavaJsonObject | JavaJsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y
const BARE_KEY = /-?\d{1,19}/y
const LITERALS: readonly (readonly [string, null | boolean])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
]
const SPACE = new Set([' ', '\n', '\r', '\t'])

class Parser {
  readonly #text: string
  readonly #depthMax: number
  #at = 0
  #root: JavaJson | undefined
  #references = 0
  /** Containers that are not complete yet, outermost first. */
  readonly #open: object[] = []
  readonly #referring = new Set<object>()

  constructor(text: string, depthMax: number) {
    this.#text = text
    this.#depthMax = depthMax
  }

  parse(): JavaJson {
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#error('has text behind its end')
    return value
  }

  #value(): JavaJson {
    this.#skipSpace()
    const char = this.#text[this.#at]
    if (char === '{') return this.#object()
    if (char === '[') return this.#array()
    if (char === '"') return this.#string()
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    return this.#number()
  }

  #array(): JavaJson[] {
    const array: JavaJson[] = []
    this.#enter(array)
    if (!this.#takes(']')) {
      do array.push(this.#value())
      while (this.#takes(','))
      this.#expect(']')
    }
    this.#open.pop()
    return array
  }

  #object(): JavaJson {
    const members = Object.create(null) as JavaJsonObject
    const map: JavaJsonMap = new Map()
    let hasObjectKeys = false
    this.#enter(members)
    if (!this.#takes('}')) {
      do {
        const key = this.#key()
        this.#expect(':')
        const value = this.#value()
        if (typeof key === 'string') members[key] = value
        else hasObjectKeys = true
        if (hasObjectKeys && map.size === 0) for (const name of Object.keys(members)) map.set(name, members[name]!)
        if (hasObjectKeys) map.set(key, value)
      } while (this.#takes(','))
      this.#expect('}')
    }
    this.#open.pop()
    return hasObjectKeys ? map : this.#resolved(members)
  }

  /** A key: text, a bare integer (as text), or an object. */
  #key(): JavaJson {
    this.#skipSpace()
    const char = this.#text[this.#at]
    if (char === '"') return this.#string()
    if (char === '{') return this.#object()
    BARE_KEY.lastIndex = this.#at
    const found = BARE_KEY.exec(this.#text)
    if (found === null) throw this.#error('has a key that is no text, integer or object')
    this.#at += found[0].length
    return found[0]
  }

  #string(): string {
    const start = this.#at + 1
    let end = this.#text.indexOf('"', start)
    while (end > 0 && this.#isEscaped(start, end)) end = this.#text.indexOf('"', end + 1)
    if (end < 0) throw this.#error('has a text without an end')
    const raw = this.#text.slice(start, end)
    this.#at = end + 1
    return raw.includes('\\') ? this.#unescaped(raw) : raw
  }

  /** True when an odd number of backslashes stands before `end`. */
  #isEscaped(start: number, end: number): boolean {
    let from = end
    while (from > start && this.#text[from - 1] === '\\') from -= 1
    return (end - from) % 2 === 1
  }

  #unescaped(raw: string): string {
    try {
      // Control characters are taken as they are, as fastjson does.
      return JSON.parse(`"${raw.replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1))}"`) as string
    } catch {
      throw this.#error('has an unknown escape in a text')
    }
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at
    const found = NUMBER.exec(this.#text)
    if (found === null) throw this.#error(this.#at < this.#text.length ? 'has an unexpected character' : 'ends early')
    this.#at += found[0].length
    const value = Number(found[0])
    if (found[1] !== undefined || found[2] !== undefined || Number.isSafeInteger(value)) return value
    if (found[0].length > INTEGER_CHARS_MAX)
      throw this.#error(`has an integer of more than ${INTEGER_CHARS_MAX} digits`)
    return BigInt(found[0])
  }

  /** What a {"$ref":"$.path"} stands for; any other object itself. */
  #resolved(members: JavaJsonObject): JavaJson {
    const path = members['$ref']
    if (typeof path !== 'string' || Object.keys(members).length !== 1) return members
    this.#references += 1
    if (this.#references > REFERENCES_MAX) throw this.#error(`has more than ${REFERENCES_MAX} references`)
    const target = this.#follow(path)
    if (!isJavaJsonObject(target) && !Array.isArray(target)) return members
    if (this.#open.includes(target) || this.#referring.has(target)) return members
    for (const container of this.#open) this.#referring.add(container)
    return target
  }

  #follow(path: string): JavaJson | undefined {
    const steps = /^\$(?:[.[].*)?$/s.test(path) ? path.slice(1).match(/[^.[\]]+/g) : null
    let value = steps === null ? undefined : this.#root
    for (const step of steps ?? []) {
      const inside = typeof value === 'object' && value !== null && !(value instanceof Map)
      if (!inside || !Object.hasOwn(value as object, step)) return undefined
      value = (value as JavaJsonObject)[step]
    }
    return value
  }

  #enter(container: JavaJsonObject | JavaJson[]): void {
    if (this.#open.length >= this.#depthMax) throw this.#error(`is nested deeper than ${this.#depthMax}`)
    this.#root ??= container
    this.#open.push(container)
    this.#at += 1
  }

  #takes(char: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== char) return false
    this.#at += 1
    return true
  }

  #expect(char: string): void {
    if (!this.#takes(char)) throw this.#error(`misses a '${char}'`)
  }

  #skipSpace(): void {
    while (SPACE.has(this.#text[this.#at]!)) this.#at += 1
  }

  #error(reason: string): MqError {
    return new MqError('parameter-invalid', `JSON: ${reason} (at character ${this.#at})`)
  }
}
