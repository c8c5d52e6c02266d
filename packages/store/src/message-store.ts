// The face of the store: what others may ask of it, as small interfaces. One writer; queue offsets are assigned
// with the append, gapless per queue. Positions: appended ≥ written ≥ flushed ≥ confirmed.
import type { CommitLogOffset, QueueOffset } from '@rocketmq-ts/model'

/** A message before it has a place. Everything is stored as given; the body is copied or kept until written. */
export interface NewRecord {
  readonly topic: string
  readonly queueId: number
  readonly flag: number
  readonly sysFlag: number
  readonly bornTimestampMs: number
  readonly bornHost: { readonly host: string; readonly port: number }
  readonly storeHost: { readonly host: string; readonly port: number }
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
  readonly body: Uint8Array
  /** Encoded properties text, UTF-8: name 0x01 value 0x02 … */
  readonly properties: Uint8Array
  /** Java hash of the tag, 0 without one; goes into the consume queue unit. */
  readonly tagsCode: number
}

export interface Appended {
  readonly commitLogOffset: CommitLogOffset
  readonly queueOffset: QueueOffset
  /** Bytes of the record. */
  readonly size: number
  readonly storeTimestampMs: number
}

/** What sending needs of the store. */
export interface Appender {
  /**
   * Into the Turn's batch, synchronously. Throws MqError 'message-too-large', 'store-refused' (a write or a sync
   * failed before: for good) or 'disk-full' (records of the journal still pass: `journal` true).
   */
  append(record: NewRecord, options?: { readonly journal?: boolean }): Appended
}

/** One entry of a consume queue. */
export interface Unit {
  readonly queueOffset: QueueOffset
  readonly commitLogOffset: CommitLogOffset
  readonly size: number
  readonly tagsCode: number
}

export type Accept = 'take' | 'skip' | 'stop'

/** 'cold': units are not in memory; await `load` and scan again in a later Turn. */
export type ScanResult =
  | { readonly kind: 'scanned'; readonly next: QueueOffset }
  | { readonly kind: 'cold'; readonly load: () => Promise<void> }

export interface QueueBounds {
  readonly min: QueueOffset
  /** One past the last offset that consumers may see. */
  readonly max: QueueOffset
}

export interface QueueReader {
  /** Bounds, zero for a queue that was never written. */
  bounds(topic: string, queueId: number): QueueBounds
  /**
   * Walks units from `from` up to the visible max. `accept` is asked for each; 'stop' ends before that unit.
   * `next` is the first offset not visited. Never visits more than `unitsMax` units.
   */
  scan(
    queue: { readonly topic: string; readonly queueId: number },
    from: QueueOffset,
    accept: (unit: Unit) => Accept,
    limits: { readonly unitsMax: number },
  ): ScanResult
  /** Every (topic, queueId) that has a consume queue. */
  queues(): Iterable<{ readonly topic: string; readonly queueId: number }>
}

export interface RecordReader {
  /**
   * The bytes of one record, CRC checked, in Apache's layout (also the element of a pull reply). Synchronously where
   * it is hot, else a promise from the cold lane. Throws or rejects with MqError 'damaged' naming the position.
   */
  read(at: CommitLogOffset, size: number): Uint8Array | Promise<Uint8Array>
}

/** A record as dispatch saw it, after its batch was written. Order of the log. */
export interface Dispatched {
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: QueueOffset
  readonly commitLogOffset: CommitLogOffset
  readonly size: number
  readonly tagsCode: number
  readonly storeTimestampMs: number
}

/** Positions of the log in bytes. */
export interface LogPositions {
  readonly appended: CommitLogOffset
  readonly written: CommitLogOffset
  readonly flushed: CommitLogOffset
  readonly confirmed: CommitLogOffset
}

export interface LogEvents {
  /** A record became visible to consumers (written in asynchronous mode, confirmed in synchronous mode). */
  onVisible(listener: (record: Dispatched) => void): void
  /** The log moved to a new segment that starts at `base`. */
  onRoll(listener: (base: CommitLogOffset) => void): void
  /** A write or sync failed; appends are refused from now on. */
  onFailure(listener: (error: Error) => void): void
}

/** What recovery found and did; shown in the log and in health. */
export interface RecoveryReport {
  readonly cleanStop: boolean
  /** End of the log after recovery. */
  readonly end: CommitLogOffset
  /** Highest position that was provably flushed before. */
  readonly provenFlushed: CommitLogOffset
  readonly scannedBytes: number
  readonly records: number
  /** Bytes above F that were cut and kept in `damaged/`. */
  readonly cutBytes: number
  /** Ranges below F that can not be read. */
  readonly damaged: readonly { readonly from: CommitLogOffset; readonly to: CommitLogOffset }[]
  /** Derived files that were missing, damaged or ahead of the log, and rebuilt. */
  readonly rebuilt: readonly string[]
}

/** A journal record or other system record handed to its owner during recovery, in the order of the log. */
export interface ReplayedRecord extends Dispatched {
  readonly bytes: Uint8Array
}
