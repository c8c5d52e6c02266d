// The start-up cache: settings and in-flight states at one position of the log, so that a start replays only what
// came after it. Losing it costs time, never truth: everything is in the journal too.
//
//   time of the broker's clock f64 | settings length u32 | settings as JSON | snapshot of the in-flight core
//
// Beside the settings are the deliveries that went on elsewhere, and the CRCs of the mirrors written with it: those are
// texts in Apache's form, without one of their own.
import { utf8Decode, utf8Encode } from '@rocketmq-ts/bytes'
import { MqError } from '@rocketmq-ts/model'
import type { SettingEntry } from './inflight/inflight.ts'
import type { MovedDeliveries } from './pop/moved-deliveries.ts'

/** Four characters, see generation files. */
export const START_CACHE_KIND = 'BRST'
export const START_CACHE_VERSION = 2
const LENGTH_AT = 8
const SETTINGS_AT = 12

/** Path of the cache's generations. */
export function startCachePath(root: string): string {
  return `${root}/config/broker-start`
}

export interface StartCache {
  /** What the broker's clock showed: the next one must not begin before, wherever the machine's clock is by then. */
  readonly nowMs: number
  readonly settings: readonly SettingEntry[]
  readonly snapshot: Uint8Array
  /** See `MovedDeliveries.all`. */
  readonly moved?: ReturnType<MovedDeliveries['all']>
  /** CRC-32 of each mirror of the same image, by name. */
  readonly mirrors?: Readonly<Record<string, number>>
}

/** All of the payload of one generation but the snapshot, which follows it. */
export function encodeStartCacheHead(head: Omit<StartCache, 'snapshot'>): Uint8Array {
  const { nowMs, settings, moved = [], mirrors = {} } = head
  const json = utf8Encode(JSON.stringify({ settings, moved, mirrors }))
  const bytes = new Uint8Array(SETTINGS_AT + json.length)
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, nowMs)
  view.setUint32(LENGTH_AT, json.length)
  bytes.set(json, SETTINGS_AT)
  return bytes
}

/** Throws MqError 'damaged' for bytes that are no cache. */
export function decodeStartCache(bytes: Uint8Array): StartCache {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const nowMs = view.getFloat64(0)
    if (!(Number.isSafeInteger(nowMs) && nowMs >= 0)) throw new MqError('damaged', `its time is ${nowMs}`)
    const settingsEnd = SETTINGS_AT + view.getUint32(LENGTH_AT)
    const text = utf8Decode(bytes.subarray(SETTINGS_AT, settingsEnd), 'settings')
    const content = JSON.parse(text) as Pick<StartCache, 'settings' | 'moved' | 'mirrors'> | SettingEntry[]
    const snapshot = bytes.subarray(settingsEnd)
    // Version 1 has the settings alone.
    return Array.isArray(content) ? { nowMs, settings: content, snapshot } : { nowMs, ...content, snapshot }
  } catch (error) {
    throw new MqError('damaged', `start cache: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}
