// A request is declared once: code, domain fields with their wire names, what the answer carries.
// Type, text encoding, validation and both transports follow from the declaration.
import { createHeaderCodec } from './header-codec.ts'
import { ResponseCode } from './codes.ts'

/** How one field travels as text. */
export interface FieldCodec<Value> {
  /** Throws RangeError for a value that has no text on the wire. */
  check(value: Value): void
  /** Text on the wire; throws as `check` does. */
  encode(value: Value): string
  /** Throws RangeError with the reason (without the field's name) for text that is no such value. */
  decode(text: string): Value
}

export interface Field<Value, Required extends boolean = boolean> {
  readonly codec: FieldCodec<Value>
  /** Name on the wire where it differs from the domain name. */
  readonly wire: string | undefined
  readonly required: Required
}

// Methods of FieldCodec are bivariant, so every field fits into `Field<unknown>`.
export type Fields = { readonly [name: string]: Field<unknown> }

type RequiredNames<F extends Fields> = { [K in keyof F]: F[K]['required'] extends true ? K : never }[keyof F]
type OptionalNames<F extends Fields> = Exclude<keyof F, RequiredNames<F>>
type ValueOf<F> = F extends Field<infer Value> ? Value : never
type Flat<T> = { [K in keyof T]: T[K] }

/** The domain object of a declaration: optional fields may be absent. */
export type HeaderOf<F extends Fields> = Flat<
  { readonly [K in RequiredNames<F>]: ValueOf<F[K]> } & {
    readonly [K in OptionalNames<F>]?: ValueOf<F[K]> | undefined
  }
>

export interface HeaderCodec<Header extends object> {
  readonly fields: Fields
  /** Text fields for the wire; absent optional fields are left out. Throws MqError 'parameter-invalid'. */
  encode(header: Header): [name: string, text: string][]
  /** A frozen domain object; throws MqError 'parameter-invalid' naming the field and the reason. */
  decode(extFields: ReadonlyMap<string, string>): Header
  /** The same checks for an object that never became text (same process); returns it frozen, declared fields only. */
  validate(header: Header): Header
}

export interface RequestDeclaration<Header extends object, AnswerHeader extends object> {
  readonly code: number
  /** Java constant name, e.g. 'SEND_MESSAGE_V2'. */
  readonly name: string
  readonly header: HeaderCodec<Header>
  readonly answer: HeaderCodec<AnswerHeader>
  /** Whether an answer with this response code carries the answer's fields; for other codes they are not decoded. */
  carriesHeader(responseCode: number): boolean
}

/** The header type of a declaration: `RequestHeaderOf<typeof PopMessage>`. */
export type RequestHeaderOf<D> = D extends RequestDeclaration<infer Header, infer _AnswerHeader> ? Header : never
/** The answer's header type of a declaration. */
export type AnswerHeaderOf<D> = D extends RequestDeclaration<infer _Header, infer AnswerHeader> ? AnswerHeader : never

/** What comes back. `header` is decoded only for codes that carry it, see `carriesHeader` of the declaration. */
export interface Answer<AnswerHeader extends object> {
  readonly code: number
  readonly remark?: string
  readonly header?: AnswerHeader
  readonly body?: Uint8Array
}

/**
 * Declares a request. `answerCodes` are the response codes whose answers carry the `answer` fields: SUCCESS alone
 * unless told otherwise. Java: one pair of `*RequestHeader` and `*ResponseHeader` classes and a RequestCode.
 */
export function defineRequest<const H extends Fields, const A extends Fields>(declaration: {
  readonly code: number
  readonly name: string
  readonly header: H
  readonly answer: A
  readonly answerCodes?: readonly number[]
}): RequestDeclaration<HeaderOf<H>, HeaderOf<A>> {
  const { code, name, header, answer, answerCodes = [ResponseCode.SUCCESS] } = declaration
  return Object.freeze({
    code,
    name,
    header: createHeaderCodec<HeaderOf<H>>(name, header),
    answer: createHeaderCodec<HeaderOf<A>>(`answer of ${name}`, answer),
    carriesHeader: (responseCode: number) => answerCodes.includes(responseCode),
  })
}
