// Bodies of the messages: the name of the attempt to send, then bytes that follow from the name. However many messages
// a run has, together they fill several segments of each broker's log.
import { createRandom, hashOf } from '../random.ts'

/** Of every broker's commit log: the smallest that there is. */
export const SEGMENT_BYTES = 16 * 1024 * 1024
/** All messages together, of both brokers, fill so many, or more. */
const SEGMENTS = 8
const MEAN_BYTES_MIN = 800
const SMALL_BYTES_MAX = 600
/** One message in ten is large; even those of a short run stay below the limit of 4 MiB. */
const LARGE = 0.1
const LARGE_BYTES_MAX = 3 * 1024 * 1024

export interface Bodies {
  of(attempt: string): Buffer
}

function meanBytes(messages: number): number {
  return Math.max(MEAN_BYTES_MIN, (SEGMENTS * SEGMENT_BYTES) / Math.max(1, messages))
}

/** So many segments these messages fill, of all brokers together. */
export function segmentsOf(messages: number): number {
  return (messages * meanBytes(messages)) / SEGMENT_BYTES
}

export function createBodies(messages: number): Bodies {
  const mean = meanBytes(messages)
  const large = Math.min(LARGE_BYTES_MAX, Math.ceil((2 * mean) / LARGE))
  const pool = Buffer.alloc(2 * LARGE_BYTES_MAX)
  const random = createRandom(0)
  for (let at = 0; at < pool.length; at += 4) pool.writeUInt32LE(random.integer(2 ** 32), at)
  return {
    of(attempt) {
      const fate = createRandom(hashOf(attempt))
      const bytes = fate.integer(fate.chance(LARGE) ? large : SMALL_BYTES_MAX)
      const from = fate.integer(pool.length - bytes)
      return Buffer.concat([Buffer.from(`${attempt}\n`, 'latin1'), pool.subarray(from, from + bytes)])
    },
  }
}
