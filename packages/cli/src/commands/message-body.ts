// The body of a message for people and for programs, decompressed where that can be done.
import { inflateSync, zstdDecompressSync } from 'node:zlib'
import { SysFlag } from '@rocketmq-ts/model'
import { printableLines, textOf } from '../output/text.ts'

/** A body that grows beyond this while it is decompressed is shown as it came. */
const BODY_BYTES_MAX = 64 * 1024 * 1024
const SHOWN_BYTES_MAX = 48
/** Of one line. */
const HEX_BYTES = 16

interface StoredBody {
  readonly body: Uint8Array
  readonly sysFlag: number
}

/** For programs: the body as text where it is text, else as base64. `compression` is set where it is still compressed. */
export function bodyFields(record: StoredBody) {
  const { bytes, compression } = readBody(record)
  const text = textOf(bytes)
  return {
    ...(compression !== undefined && { compression }),
    ...(text === undefined ? { bodyBase64: Buffer.from(bytes).toString('base64') } : { body: text }),
  }
}

/** For people: text as it is, other bytes as hex, of which only the first are shown. */
export function bodyText(record: StoredBody): string {
  const { bytes, compression } = readBody(record)
  const text = textOf(bytes)
  if (text !== undefined) return printableLines(text)
  const start = Buffer.from(bytes.subarray(0, SHOWN_BYTES_MAX)).toString('hex').replaceAll(/../g, '$& ').trimEnd()
  const kind = compression === undefined ? 'binary' : `compressed with ${compression}`
  return `(${kind}, ${bytes.length} bytes) ${start}${bytes.length > SHOWN_BYTES_MAX ? ' …' : ''}`
}

/** All of it: offsets, bytes, and what is printable. */
export function bodyHex(record: StoredBody): string {
  const { bytes } = readBody(record)
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += HEX_BYTES) {
    const part = Buffer.from(bytes.subarray(at, at + HEX_BYTES))
    const hex = part
      .toString('hex')
      .replaceAll(/../g, '$& ')
      .padEnd(3 * HEX_BYTES)
    const text = part.toString('latin1').replaceAll(/[^ -~]/g, '.')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex} ${text}`)
  }
  return lines.join('\n')
}

/** `compression` is set where the bytes are still compressed. */
function readBody({ body: bytes, sysFlag }: StoredBody): { bytes: Uint8Array; compression?: string } {
  if ((sysFlag & SysFlag.COMPRESSED) === 0) return { bytes }
  const kind = sysFlag & SysFlag.COMPRESSION_MASK
  if (kind === SysFlag.COMPRESSION_LZ4) return { bytes, compression: 'lz4' }
  try {
    const limit = { maxOutputLength: BODY_BYTES_MAX }
    if (kind === SysFlag.COMPRESSION_ZSTD) return { bytes: zstdDecompressSync(bytes, limit) }
    return { bytes: inflateSync(bytes, limit) }
  } catch {
    return { bytes, compression: kind === SysFlag.COMPRESSION_ZSTD ? 'zstd' : 'zlib' }
  }
}
