// Domain objects to text fields and back, driven by a declaration. All errors name request, field and reason.
import { MqError } from '@rocketmq-ts/model'
import type { Field, Fields, HeaderCodec } from './define-request.ts'

interface NamedField {
  readonly name: string
  readonly wire: string
  readonly field: Field<unknown>
}

type Values = Record<string, unknown>

/** The codec of one header. `owner` names the request in errors. */
export function createHeaderCodec<Header extends object>(owner: string, fields: Fields): HeaderCodec<Header> {
  const named: NamedField[] = Object.entries(fields).map(([name, field]) => ({
    name,
    wire: field.wire ?? name,
    field,
  }))

  function invalid(name: string, reason: string, cause?: unknown): MqError {
    return new MqError('parameter-invalid', `${owner}: field '${name}': ${reason}`, cause)
  }

  /** Senders know a field by its name on the wire. */
  function onWire({ name, wire }: NamedField): string {
    return name === wire ? '' : ` ('${wire}' on the wire)`
  }

  function missing(entry: NamedField): MqError {
    return invalid(entry.name, `is mandatory and missing${onWire(entry)}`)
  }

  function textOf(entry: NamedField, value: unknown): string {
    try {
      return entry.field.codec.encode(value)
    } catch (error) {
      throw asInvalid(entry, error)
    }
  }

  function check(entry: NamedField, value: unknown): void {
    try {
      entry.field.codec.check(value)
    } catch (error) {
      throw asInvalid(entry, error)
    }
  }

  function asInvalid(entry: NamedField, error: unknown): unknown {
    return error instanceof RangeError ? invalid(entry.name, error.message, error) : error
  }

  function valueOf(entry: NamedField, text: string): unknown {
    try {
      return entry.field.codec.decode(text)
    } catch (error) {
      if (error instanceof RangeError) throw invalid(entry.name, `${error.message}${onWire(entry)}`, error)
      throw error
    }
  }

  return {
    fields,
    encode(header) {
      const values = header as Values
      const texts: [string, string][] = []
      for (const entry of named) {
        const value = values[entry.name]
        if (value !== undefined) texts.push([entry.wire, textOf(entry, value)])
        else if (entry.field.required) throw missing(entry)
      }
      return texts
    },
    decode(extFields) {
      const values: Values = {}
      for (const entry of named) {
        const text = extFields.get(entry.wire)
        if (text !== undefined) values[entry.name] = valueOf(entry, text)
        else if (entry.field.required) throw missing(entry)
      }
      return Object.freeze(values) as Header
    },
    validate(header) {
      const given = header as Values
      const values: Values = {}
      for (const entry of named) {
        const value = given[entry.name]
        if (value !== undefined) {
          check(entry, value)
          values[entry.name] = value
        } else if (entry.field.required) throw missing(entry)
      }
      return Object.freeze(values) as Header
    },
  }
}
