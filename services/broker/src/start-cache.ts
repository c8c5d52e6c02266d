// The start-up cache: settings and in-flight states at one position of the log, so that a start replays only what
// came after it. Losing it costs time, never truth: everything is in the journal too.
//
//   settings length u32 | settings as JSON | snapshot of the in-flight core
import { utf8Decode, utf8Encode } from '@rocketmq-ts/bytes'
import { MqError } from '@rocketmq-ts/model'
import type { SettingEntry } from './inflight/inflight.ts'

/** Four characters, see generation files. */
export const START_CACHE_KIND = 'BRST'
export const START_CACHE_VERSION = 1
const LENGTH_BYTES = 4

/** Path of the cache's generations. */
export function startCachePath(root: string): string {
  return `${root}/config/broker-start`
}

export interface StartCache {
  readonly settings: readonly SettingEntry[]
  readonly snapshot: Uint8Array
}

/** The payload of one generation. */
export function encodeStartCache(settings: readonly SettingEntry[], snapshot: Uint8Array): Uint8Array {
  const json = utf8Encode(JSON.stringify(settings))
  const bytes = new Uint8Array(LENGTH_BYTES + json.length + snapshot.length)
  new DataView(bytes.buffer).setUint32(0, json.length)
  bytes.set(json, LENGTH_BYTES)
  bytes.set(snapshot, LENGTH_BYTES + json.length)
  return bytes
}

/** Throws MqError 'damaged' for bytes that are no cache. */
export function decodeStartCache(bytes: Uint8Array): StartCache {
  try {
    const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0)
    const settings = JSON.parse(
      utf8Decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length), 'settings'),
    ) as SettingEntry[]
    return { settings, snapshot: bytes.subarray(LENGTH_BYTES + length) }
  } catch (error) {
    throw new MqError('damaged', `start cache: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}
