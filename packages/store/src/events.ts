// What the store reports: files, positions and reasons, never a header field or a body.
import type { Remedies } from '@rocketmq-ts/runtime'
import type { SegmentRemoval } from './message-store.ts'

/** Log lines of the store. */
export type StoreEvent =
  | {
      event: 'store.opened'
      end: number
      records: number
      scannedBytes: number
      cleanStop: boolean
      durationMs: number
    }
  | { event: 'store.rebuilt'; file: string; reason: string }
  | { event: 'store.note-waits'; file: string; message: string }
  | { event: 'store.foreign'; from: number; isPrefixKept: boolean }
  /** `ranges`: so many in one line. */
  | { event: 'store.damaged'; from: number; to: number; ranges?: number }
  | { event: 'store.cut'; from: number; bytes: number; kept: string }
  | { event: 'store.failed'; message: string }
  | { event: 'store.flush-slow'; tookMs: number; bytes: number; limitMs: number }
  | { event: 'store.disk-full'; message: string }
  | { event: 'store.disk-freed' }
  | { event: 'store.checkpoint-failed'; message: string }
  /** A file of the log went. */
  | { event: 'store.segment-removed'; base: number; reason: SegmentRemoval }
  /** More would go, but somebody needs the log from there on. */
  | { event: 'store.held'; owner: string; position: number }
  | { event: 'store.retention-failed'; message: string }
  | { event: 'store.index-failed'; message: string }
  | { event: 'store.closed'; end: number }

/** What an operator must do about an event of the store. */
export const STORE_REMEDIES: Remedies<StoreEvent> = {
  'store.failed': 'Check the disk and its file system, then restart the broker. Nothing acknowledged is lost.',
  'store.damaged':
    'Check the disk. Messages in this range are lost here; the others are served. Keep the damaged folder.',
  'store.disk-full': 'Free space on the disk of the store, or make it larger. Sends go on by themselves then.',
  'store.foreign': 'Nothing, where another broker was meant to have the folder: what it wrote is taken over.',
  'store.checkpoint-failed':
    'Check the rights and the space of the folder of the store. Until then a restart takes longer.',
  'store.index-failed':
    'Check the rights and the disk of the folder of the store, then restart. Until then messages are not found by key.',
  'store.held': 'See why its owner does not go on. Until then the log grows, and sends are refused on a full disk.',
  'store.note-waits':
    'Free space on the disk of the store: it serves what it has, and takes messages again when there is room.',
  'store.retention-failed':
    'Check the rights and the space of the folder of the store. The log grows until it works again.',
  'store.cut': 'Look for the power loss or kill before. What was cut had not been acknowledged as flushed.',
  'store.flush-slow': 'Check the disk for other load. With SYNC_FLUSH every send waits for it.',
}
