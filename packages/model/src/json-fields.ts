// Reads members of a parsed JSON object with their type checked. Java leaves out nulls and tolerates text for numbers,
// so absent means the default, and 'wrong' names the path of the member.
import { isJavaJsonObject, type JavaJson } from './java-json.ts'
import { MqError } from './mq-error.ts'

export class JsonFields {
  readonly path: string
  readonly #members: ReadonlyMap<JavaJson, JavaJson> | { readonly [member: string]: JavaJson }

  /** MqError 'parameter-invalid' unless `value` is an object. `path` is its name in messages. */
  constructor(value: JavaJson | undefined, path: string) {
    if (!isJavaJsonObject(value)) throw new MqError('parameter-invalid', `${path}: is not a JSON object`)
    this.path = path
    this.#members = value
  }

  /** The member as it was parsed; undefined when absent or null. */
  raw(name: string): JavaJson | undefined {
    const value = this.#members instanceof Map ? this.#members.get(name) : this.#own(name)
    return value === null ? undefined : value
  }

  text(name: string, otherwise?: string): string {
    const value = this.raw(name) ?? otherwise
    if (typeof value !== 'string') throw this.wrong(name, 'text')
    return value
  }

  optionalText(name: string): string | undefined {
    return this.raw(name) === undefined ? undefined : this.text(name)
  }

  flag(name: string, otherwise?: boolean): boolean {
    const value = this.raw(name) ?? otherwise
    if (value === 'true' || value === 'false') return value === 'true'
    if (typeof value !== 'boolean') throw this.wrong(name, 'true or false')
    return value
  }

  /** An integer within ±(2^53 − 1); also as text. */
  integer(name: string, otherwise?: number): number {
    const value = this.raw(name) ?? otherwise
    const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw this.wrong(name, 'an integer below 2^53')
    return number
  }

  int32(name: string, otherwise?: number): number {
    const value = this.integer(name, otherwise)
    if (value !== (value | 0)) throw this.wrong(name, 'a 32-bit integer')
    return value
  }

  /** The items of an array; none when absent. */
  items(name: string): readonly JavaJson[] {
    const value = this.raw(name) ?? []
    if (!Array.isArray(value)) throw this.wrong(name, 'an array')
    return value
  }

  texts(name: string): string[] {
    return this.items(name).map((item) => {
      if (typeof item !== 'string') throw this.wrong(name, 'an array of texts')
      return item
    })
  }

  /** An object below; absent means empty. */
  object(name: string): JsonFields {
    return new JsonFields(this.raw(name) ?? {}, `${this.path}.${name}`)
  }

  /** Members with text or integers as keys, integers as text. Keys that are objects are refused. */
  entries(): [name: string, value: JavaJson][] {
    const all: [JavaJson, JavaJson][] =
      this.#members instanceof Map ? [...this.#members] : Object.entries(this.#members)
    return all.map(([key, value]) => {
      if (typeof key !== 'string') throw new MqError('parameter-invalid', `${this.path}: has an object as a key`)
      return [key, value]
    })
  }

  /** Members whose values are text, by name. */
  textMap(name: string): Map<string, string> {
    const below = this.object(name)
    const texts = new Map<string, string>()
    for (const [key, value] of below.entries()) {
      if (value === null) continue
      if (typeof value !== 'string') throw below.wrong(key, 'text')
      texts.set(key, value)
    }
    return texts
  }

  wrong(name: string, expected: string): MqError {
    return new MqError('parameter-invalid', `${this.path}.${name.slice(0, 128)}: must be ${expected}`)
  }

  #own(name: string): JavaJson | undefined {
    const members = this.#members as { readonly [member: string]: JavaJson }
    return Object.hasOwn(members, name) ? members[name] : undefined
  }
}
