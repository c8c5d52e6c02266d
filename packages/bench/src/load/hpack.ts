// Request headers as a client's HPACK encoder writes them (RFC 7541): in full once, then as indexes into the table that
// the server keeps for the connection. No Huffman code.
import assert from 'node:assert'

const METHOD_POST = 0x83
const SCHEME_HTTP = 0x86
/** Index of `:path` in the static table: literal, so that one block serves all methods of a connection. */
const PATH_NAME = 0x04
const INDEXED = 0x80
const LITERAL_WITH_INDEXING = 0x40
/** The first index behind the static table. */
const DYNAMIC_FROM = 62
/** Lengths and indexes that fit into one byte. */
const SHORT_MAX = 0x7e

/** The header blocks of one connection. */
export interface HeaderBlocks {
  /** The first block of a connection, which fills the table, then `next`. */
  first(path: string): Buffer
  next(path: string): Buffer
}

/** Blocks for requests that differ in their path only. Each name and value has at most 126 bytes. */
export function createHeaderBlocks(headers: readonly (readonly [name: string, value: string])[]): HeaderBlocks {
  const literals = headers.map(([name, value]) => Buffer.concat([byte(LITERAL_WITH_INDEXING), text(name), text(value)]))
  // The newest entry of the table has the lowest index.
  const indexes = headers.map((_, at) => byte(INDEXED | (DYNAMIC_FROM + headers.length - 1 - at)))
  const blockOf = (path: string, rest: readonly Buffer[]) =>
    Buffer.concat([Buffer.from([METHOD_POST, SCHEME_HTTP, PATH_NAME]), text(path), ...rest])
  return { first: (path) => blockOf(path, literals), next: (path) => blockOf(path, indexes) }
}

function byte(value: number): Buffer {
  return Buffer.from([value])
}

function text(value: string): Buffer {
  assert(value.length <= SHORT_MAX, `the header text '${value}' is longer than ${SHORT_MAX} bytes`)
  return Buffer.concat([byte(value.length), Buffer.from(value, 'latin1')])
}
