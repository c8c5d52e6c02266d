// A request is declared once: code, domain fields with their wire names, what the answer carries.
// Type, text encoding, validation and both transports follow from the declaration.

/** How one field travels as text. */
export interface FieldCodec<Value> {
  /** Text on the wire; throws RangeError for a value that has none. */
  encode(value: Value): string
  /** Throws RangeError with the reason (without the field's name) for text that is no such value. */
  decode(text: string): Value
}

export interface Field<Value> {
  readonly codec: FieldCodec<NonNullable<Value>>
  /** Name on the wire where it differs from the domain name. */
  readonly wire: string | undefined
  readonly required: boolean
}

export type Fields = { readonly [name: string]: Field<unknown> }

/** The domain object of a declaration: optional fields may be absent. */
export type HeaderOf<F extends Fields> = {
  readonly [
    K in keyof F as F[K] extends Field<infer V> ? (undefined extends V ? never : K) : never
  ]: F[K] extends Field<infer V> ? V : never
} & {
  readonly [
    K in keyof F as F[K] extends Field<infer V> ? (undefined extends V ? K : never) : never
  ]?: F[K] extends Field<infer V> ? V : never
}

export interface HeaderCodec<Header extends object> {
  readonly fields: Fields
  /** Text fields for the wire; absent optional fields are left out. */
  encode(header: Header): [name: string, text: string][]
  /** A frozen domain object; throws MqError 'parameter-invalid' naming the field and the reason. */
  decode(extFields: ReadonlyMap<string, string>): Header
  /** The same checks for an object that never became text (same process); returns it frozen. */
  validate(header: Header): Header
}

export interface RequestDeclaration<Header extends object, AnswerHeader extends object> {
  readonly code: number
  /** Java constant name, e.g. 'SEND_MESSAGE_V2'. */
  readonly name: string
  readonly header: HeaderCodec<Header>
  readonly answer: HeaderCodec<AnswerHeader>
}

/** What comes back. `header` is decoded only for codes that carry it, see `carriesHeader` of the implementation. */
export interface Answer<AnswerHeader extends object> {
  readonly code: number
  readonly remark?: string
  readonly header?: AnswerHeader
  readonly body?: Uint8Array
}
