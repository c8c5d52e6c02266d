/** Bytes that are not what their field says: cut short, out of range, not UTF-8. Protocols translate it once, at their edge. */
export class BytesError extends Error {
  /** The first field that is wrong, in the words of its layout. */
  readonly field: string
  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.name = 'BytesError'
    this.field = field
  }
}
