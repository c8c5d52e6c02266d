// Bodies that name their message and can not be mistaken: a mark, the sequence number, then bytes by chance.
import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import type { Prng } from '../sim/index.ts'

const MARK = 0x53494d31
const HEAD_BYTES = 8

/** A body of at least `HEAD_BYTES` bytes. */
export function makeBody(random: Prng, seq: number, bytes: number): Uint8Array {
  const body = Buffer.alloc(Math.max(bytes, HEAD_BYTES))
  body.writeInt32BE(MARK, 0)
  body.writeInt32BE(seq, 4)
  // One draw per eight bytes is enough: what counts is that two bodies differ everywhere.
  for (let at = HEAD_BYTES; at < body.length; at += 8)
    body.fill(random.uint32() & 0xff, at, Math.min(at + 8, body.length))
  return body
}

/** The sequence number of a body of ours. */
export function seqOf(body: Uint8Array): number | undefined {
  if (body.length < HEAD_BYTES) return undefined
  const view = new DataView(body.buffer, body.byteOffset)
  return view.getInt32(0) === MARK ? view.getInt32(4) : undefined
}

export function hashOf(body: Uint8Array): string {
  return hash('sha1', body, 'hex')
}
