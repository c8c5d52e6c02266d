import type { Remedies } from '@rocketmq-ts/runtime'
import type { StoreEvent } from './message-store.ts'

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
