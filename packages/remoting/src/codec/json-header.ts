// The JSON header: read tolerantly (clients differ), written as Java does: compact, names in order, nothing null.
import { MqError } from '@rocketmq-ts/model'
import { languageOf } from './languages.ts'
import { EXT_FIELDS_MAX } from './limits.ts'
import type { CommandHeader, OutgoingCommand } from './remoting-command.ts'

const NO_FIELDS: ReadonlyMap<string, string> = new Map()

function refuse(reason: string, cause?: unknown): MqError {
  return new MqError('protocol', `JSON header refused: ${reason}`, cause)
}

type JsonObject = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Reviver = (name: string, value: unknown, context?: { readonly source?: string }) => unknown

/** Numbers as the sender wrote them: a 64-bit one would lose digits. */
const numbersAsText: Reviver = (_name, value, context) =>
  typeof value === 'number' ? (context?.source ?? String(value)) : value

function parse(json: string, reviver?: Reviver): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(json, reviver)
  } catch (error) {
    throw refuse('not JSON', error)
  }
  if (!isObject(value)) throw refuse('not an object')
  return value
}

function int32(header: JsonObject, name: string): number {
  const value = header[name]
  if (value === undefined || value === null) return 0
  const number = typeof value === 'string' && /^[+-]?[0-9]{1,10}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || (number | 0) !== number) throw refuse(`'${name}' is no 32-bit integer`)
  return number
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return undefined
  return typeof value === 'object' ? nestedText(value) : String(value)
}

/** What was parsed can still be too deep to be written: the parser keeps no stack, the printer does. */
function nestedText(value: object): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw refuse('a text is nested too deeply', error)
  }
}

function readExtFields(header: JsonObject, json: string): ReadonlyMap<string, string> {
  let given = header['extFields']
  if (given === undefined || given === null) return NO_FIELDS
  if (!isObject(given)) throw refuse("'extFields' is no object")
  let entries = Object.entries(given)
  if (entries.length > EXT_FIELDS_MAX) throw refuse(`more than ${EXT_FIELDS_MAX} fields in 'extFields'`)
  if (entries.some(([, value]) => typeof value === 'number')) {
    given = parse(json, numbersAsText)['extFields']
    entries = Object.entries(given as JsonObject)
  }
  const fields = new Map<string, string>()
  for (const [name, value] of entries) {
    const text = textOf(value)
    if (text !== undefined) fields.set(name, text)
  }
  return fields
}

function readLanguage(value: unknown): string {
  if (typeof value === 'string') return value
  return languageOf(typeof value === 'number' ? value : -1)
}

/** Throws MqError 'protocol'. Absent numbers are 0, numbers and booleans among the fields become text. */
export function decodeJsonHeader(bytes: Buffer): CommandHeader {
  const json = bytes.toString('utf8')
  const header = parse(json)
  return {
    code: int32(header, 'code'),
    language: readLanguage(header['language']),
    version: int32(header, 'version'),
    opaque: int32(header, 'opaque'),
    flag: int32(header, 'flag'),
    remark: textOf(header['remark']) || undefined,
    extFields: readExtFields(header, json),
  }
}

function writeExtFields(fields: OutgoingCommand['extFields']): string {
  let json = ''
  for (const [name, text] of fields) {
    json += `${json === '' ? '"extFields":{' : ','}${JSON.stringify(name)}:${JSON.stringify(text)}`
  }
  return json === '' ? '' : `${json}},`
}

/** The header with room for `before` bytes in front of it and `after` bytes behind. */
export function encodeJsonHeader(command: OutgoingCommand, before: number, after: number): Buffer {
  const { code, language, version, opaque, flag, remark } = command
  const remarkMember = remark === undefined ? '' : `"remark":${JSON.stringify(remark)},`
  const json =
    `{"code":${code},${writeExtFields(command.extFields)}"flag":${flag},"language":${JSON.stringify(language)},` +
    `"opaque":${opaque},${remarkMember}"serializeTypeCurrentRPC":"JSON","version":${version}}`
  const bytes = Buffer.allocUnsafe(before + Buffer.byteLength(json) + after)
  bytes.write(json, before)
  return bytes
}
