// The face of the store: what others may ask of it, as small interfaces. One writer; queue offsets are assigned
// with the append, gapless per queue. Positions: appended ≥ written ≥ flushed ≥ confirmed.
import type { CommitLogOffset, QueueId, QueueOffset } from '@rocketmq-ts/model'
import type { Clock, Files, LogEvent, Logger, Scheduler } from '@rocketmq-ts/runtime'
import type { StoreEvent } from './events.ts'
import type { ForeignWrites } from './last-writer.ts'
import type { UnitReader } from './consume-queue/unit-reads.ts'
import type { MessageQueries } from './queries/message-queries.ts'
import type { ScannedRecord } from './recovery.ts'
import type { RemovalReason } from './retention/plan.ts'
import type { RetentionRules } from './retention/rules.ts'

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

/** What sets a record apart from one that a client sends. */
export interface AppendOptions {
  /** Of the journal: it passes as long as the log takes anything. */
  readonly journal?: boolean
  /**
   * A message that the log holds already goes on elsewhere: it passes while the disk is over its last mark, and on a full
   * one has a share of what was kept for it, since files can only go when what lives in them is copied.
   */
  readonly copy?: boolean
}

/** What sending needs of the store. */
export interface Appender {
  /**
   * Into the Turn's batch, synchronously. Throws MqError 'message-too-large', 'store-refused' (a write or a sync
   * failed before: for good) or 'disk-full' (records of the journal still pass: `journal` true).
   */
  append(record: NewRecord, options?: AppendOptions): Appended
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
  | { readonly kind: 'cold'; readonly load: (group?: string) => Promise<void> }

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

/** One past the last offset that a queue has given out. */
export interface QueueEnd {
  readonly topic: string
  readonly queueId: number
  readonly end: number
}

/** Why a file of the log went; 'unfinished': the run before had decided it. */
export type SegmentRemoval = RemovalReason | 'unfinished'

/** Told how long the disk takes, and what goes; for metrics. */
export interface StoreObserver {
  /** A batch of so many bytes was written into the page cache. */
  wrote(tookMs: number, bytes: number): void
  /** So many bytes reached the disk. */
  flushed(tookMs: number, bytes: number): void
  /** A file of the log went. */
  segmentRemoved(reason: SegmentRemoval): void
}

/** Where the bytes of a record lie in the log. */
export type RecordRange = Pick<Unit, 'commitLogOffset' | 'size'>

export interface RecordReader {
  /**
   * The bytes of one record, CRC checked, in Apache's layout (also the element of a pull reply). Synchronously where
   * it is hot, else a promise from the cold lane. Throws or rejects with MqError 'damaged' naming the position.
   */
  read(at: CommitLogOffset, size: number): Uint8Array | Promise<Uint8Array>
  /**
   * The same straight into a reply: fills `into` from `start` on. Undefined when that is done, else when the promise says
   * so. Groups take turns in the cold lane, whoever asks for how much.
   */
  readInto(unit: RecordRange, into: Uint8Array, start: number, group?: string): undefined | Promise<void>
}

export interface RecordTimes {
  /** When the record there was stored, from its first bytes alone; undefined where no record of the log starts. */
  storedMs(at: CommitLogOffset): number | undefined | Promise<number | undefined>
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
  /** The first 1,000 ranges below F that can not be read. */
  readonly damaged: readonly { readonly from: CommitLogOffset; readonly to: CommitLogOffset }[]
  /** Bytes of all of them. */
  readonly damagedBytes: number
  /** Derived files that were missing, damaged or ahead of the log, and rebuilt. */
  readonly rebuilt: readonly string[]
  /** Places of the undecided messages of transactions that records behind the last one of the journal commit. */
  readonly tailCommits: readonly number[]
  /** What another broker wrote since we had the folder, or ever. The owner takes it over, then calls `claim`. */
  readonly foreign: ForeignWrites | undefined
}

/** A journal record or other system record handed to its owner during recovery, in the order of the log. */
export interface ReplayedRecord extends Dispatched {
  readonly bytes: Uint8Array
}

/** When a send is acknowledged. Java: flushDiskType. */
export type FlushMode = 'SYNC_FLUSH' | 'ASYNC_FLUSH'

/** Settings of a store. Everything but the folder and the mode has Apache's default. */
export interface StoreOptions {
  /** Absolute path of the root, taken by one process at a time. Java: storePathRootDir. */
  readonly folder: string
  readonly flushMode: FlushMode
  /** Length of every commit log segment. Fixed for the life of a folder. Java: mappedFileSizeCommitLog, 1 GiB. */
  readonly segmentBytes?: number
  /** Units of one consume queue file. Fixed for the life of a folder. Java: mappedFileSizeConsumeQueue / 20, 300 000. */
  readonly unitsPerFile?: number
  /** Chains of a key index file. Fixed for the life of a folder. Java: maxHashSlotNum, 5,000,000. */
  readonly indexSlots?: number
  /** Entries of a key index file. Fixed for the life of a folder. Java: maxIndexNum, 20,000,000. */
  readonly indexEntries?: number
  /** Entries of the key index that wait for their file, at most: an eighth of them is written at once. 2,097,152. */
  readonly indexEntriesInMemory?: number
  /** Largest record body accepted. Java: maxMessageSize, 4 MiB. */
  readonly bodyBytesMax?: number
  /** Who holds the folder, for the message another process gets. */
  readonly holder?: string
  /** Longest time that written bytes wait for a sync nobody asked for. Java: flushIntervalCommitLog, 500 ms. */
  readonly flushIntervalMs?: number
  /** Longest time between a dispatch and the checkpoint that covers it: 10 s. */
  readonly checkpointIntervalMs?: number
  /** Disk space kept for journal records when the disk is full: 64 MiB, at most a sixteenth of a segment. */
  readonly reserveBytes?: number
  /** Bytes behind the end of the log that are read in the caller's turn; they are in the page cache. 256 MiB. */
  readonly hotBytes?: number
  /** Memory for pieces of the log that are read ahead of readers of old messages; 0 reads each alone. 32 MiB. */
  readonly coldReadBytes?: number
  /** Memory for units that could be read again from their files: 32 MiB. */
  readonly unitCacheBytes?: number
  /**
   * Units of a queue, in no file of its own, that a checkpoint writes and syncs its file for; those of other queues it holds
   * itself, or a pack does. 4096.
   */
  readonly unitsPerWrite?: number
  /** Units in no file, over all queues, at most; beyond, the queues with the most share a pack: 838,860, or 16 MiB. */
  readonly keptUnitsMax?: number
  /** Packs, at most: beyond, units of the oldest one are written to the files of their queues. 32. */
  readonly unitPacksMax?: number
  /**
   * The proven flushed position that a record of SystemTopic.INFLIGHT_LOG carries. Asked during recovery, so that damage
   * is judged by the latest promise.
   */
  readonly flushedStampOf?: (record: ReplayedRecord) => number | undefined
  /**
   * Topics whose earlier records belong to an older incarnation: this record creates or deletes them. Asked during
   * recovery; live, `endTopic` says the same.
   */
  readonly topicsEndedBy?: (record: ReplayedRecord) => readonly string[]
  /**
   * Where queues ended when this record of SystemTopic.INFLIGHT_LOG was written. Asked by a start without a checkpoint:
   * nothing else in the log says it of a queue whose records have all expired.
   */
  readonly queueEndsOf?: (record: ReplayedRecord) => readonly QueueEnd[]
  /**
   * What the owner's files beside the log hold, as a short text; undefined where it can not tell. Asked at the start and
   * at a clean stop: when the answers differ, another broker has changed them meanwhile.
   */
  readonly ownerStamp?: () => Promise<string | undefined>
}

/** Keeps the log from a position on for somebody who reads or replicates it. */
export interface LogHold {
  /** What is in front is needed no more; a hold never moves back. */
  moveTo(position: CommitLogOffset): void
  /** May be called twice. */
  release(): void
}

/** What is kept of a topic, over all of its queues here. Without a bound, messages go with the files of the log alone. */
export interface TopicRule {
  readonly topic: string
  readonly maxAgeMs?: number | undefined
  /** Of records, as the log holds them. */
  readonly maxBytes?: number | undefined
  readonly maxCount?: number | undefined
}

/** Messages of a queue below this offset go. */
export interface QueueMin extends QueueId {
  readonly min: number
}

/** How a store forgets; without it, it keeps everything. */
export interface RetentionOptions {
  readonly rules: RetentionRules
  /**
   * Awaited before anything below `limit` goes, which is the start of a segment: what must outlive it is written once
   * more, flushed. When it rejects nothing goes, and it is asked again later.
   */
  readonly beforeRemoval?: (limit: CommitLogOffset) => Promise<void>
  /**
   * Awaited before messages go by the rules of their topics: what must outlive them is written once more, flushed. When it
   * rejects they stay, and it is asked again later.
   */
  readonly beforeExpiry?: (mins: readonly QueueMin[]) => Promise<void>
  /** The mins have moved, or nothing goes this time: called after every look that may have asked one of the above. */
  readonly afterMins?: () => void
  /** Rules of single topics, as of now: asked at every look. */
  readonly topics?: () => Iterable<TopicRule>
  /**
   * The machine's clock, where the store's goes on evenly from what the machine showed at the start. Messages age by the
   * one that is behind: a clock that was wrong at the start and is right by now does not make all of them old.
   */
  readonly wallClock?: Pick<Clock, 'nowMs'>
}

export interface StoreDeps {
  readonly clock: Clock
  readonly files: Files
  readonly scheduler: Scheduler
  readonly logger: Logger<StoreEvent> | Logger<LogEvent>
  readonly observer?: StoreObserver
}

/** The whole store. Its parts are handed to those who need them; it sends nothing and knows no consumer. */
export interface MessageStore
  extends Appender, QueueReader, RecordReader, UnitReader, RecordTimes, MessageQueries, LogEvents {
  readonly recovery: RecoveryReport
  readonly positions: LogPositions
  /** Position of the oldest byte kept. */
  readonly min: CommitLogOffset
  /** Files of the log. */
  readonly segments: number
  /** Highest position that a finished sync has proven; journal records are stamped with it. */
  readonly provenFlushed: CommitLogOffset
  /** Why appends are refused for good, if they are. */
  readonly failure: Error | undefined
  /** Sends are refused until space returns; journal records still pass. */
  readonly diskFull: boolean
  /** The disk is not full yet, but over its last mark: sends are refused as well. Java: diskSpaceWarningLevelRatio. */
  readonly diskOverMark: boolean
  /** End of the batch. Part of TurnLog. */
  readonly appended: number
  /** Writes the batch and dispatches it. Rejects with MqError 'store-refused', for good. Part of TurnLog. */
  submit(): Promise<void>
  /** Resolves when everything below `position` survives a power loss. Part of TurnLog. */
  whenFlushed(position: number): Promise<void>
  /** True in synchronous mode. Part of TurnLog. */
  readonly flushBeforeRelease: boolean
  /**
   * The topic was deleted or begins anew: its queues go with their files, and the next append starts at queue offset 0.
   * Its records stay readable by position.
   */
  endTopic(topic: string): void
  /** Where every queue ends that ever got a message, batches on their way included. */
  queueEnds(): Iterable<QueueEnd>
  /**
   * Hands every record of the topics that `isWanted` names from `from` on, in the order of the log, up to its end at the
   * time of the call. Paced: other work runs in between. Damaged records are left out.
   */
  replay(
    isWanted: (topic: string) => boolean,
    from: CommitLogOffset,
    sink: (record: ReplayedRecord) => void,
  ): Promise<void>
  /**
   * Hands every record from `from` on, a border of records, in the order of the log up to its end at the time of the call,
   * of whatever topic: for what may lie in any. `bytes` and `peek` are used again for the next one. `paused` is awaited
   * between reads. Damaged records are left out.
   */
  walk(from: CommitLogOffset, sink: (record: ScannedRecord) => void, paused?: () => Promise<void>): Promise<void>
  /**
   * Nothing from `position` on is removed until the hold is released; sends are refused on a disk that fills up meanwhile.
   * A restart forgets it: its owner takes it anew, and may hear that the position has gone. `owner` is named where that
   * keeps retention from its work. Throws MqError 'parameter-invalid' for a position below `min`, 'busy' when too many hold.
   */
  hold(owner: string, position: CommitLogOffset): LogHold
  /** Holds at present. */
  readonly holds: number
  /** From now on files of the log go by these rules. Called once. */
  startRetention(options: RetentionOptions): void
  /** Told when the min of the log or of queues has grown. */
  onMinMoved(listener: () => void): void
  /** Writes a checkpoint that covers everything written so far. */
  checkpoint(): Promise<void>
  /**
   * What `recovery.foreign` tells of has been taken over, and the log holds it: from now on the folder is ours. Before,
   * every start finds it again. Rejects with FileError, and nothing is noted.
   */
  claim(): Promise<void>
  /** Submits, syncs, writes the checkpoint and gives the folder back. May be called twice. */
  close(): Promise<void>
}
