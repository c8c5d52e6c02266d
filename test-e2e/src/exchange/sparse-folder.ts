// A folder as one small file: brotli over JSON of its files, of each the length and the ranges that are not zero. Stores
// are mostly holes; nothing but Node is needed to read it back.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'

/** A shorter run of zeros is not worth a range of its own. */
const GAP_BYTES_MIN = 64

interface PackedFile {
  readonly path: string
  readonly bytes: number
  /** Position and content, base64. */
  readonly ranges: readonly (readonly [at: number, content: string])[]
}

/** Packs all files below `folder` into `into`; returns the bytes of it. Empty folders are left out. */
export function packFolder(folder: string, into: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => packFile(path, readFileSync(join(folder, path))))
  const packed = brotliCompressSync(JSON.stringify({ files }), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
  })
  writeFileSync(into, packed)
  return packed.length
}

function packFile(path: string, content: Buffer): PackedFile {
  const ranges: [number, string][] = []
  for (let at = nextByte(content, 0); at < content.length;) {
    const end = endOfRange(content, at)
    ranges.push([at, content.toString('base64', at, end)])
    at = nextByte(content, end)
  }
  return { path, bytes: content.length, ranges }
}

/** Position of the next byte that is not zero. */
function nextByte(content: Buffer, from: number): number {
  let at = from
  while (at < content.length && content[at] === 0) at += 1
  return at
}

/** One past the last byte before a gap. */
function endOfRange(content: Buffer, from: number): number {
  let end = from + 1
  for (let at = end; at < content.length && at - end < GAP_BYTES_MIN; at += 1) {
    if (content[at] !== 0) end = at + 1
  }
  return end
}
