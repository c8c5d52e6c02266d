// Finds messages otherwise than by queue offset: by key, by place in the log, by time. Nothing here changes anything.
import type { KeyKind } from '../key-index/key-hashes.ts'
import type { CommitLogOffset, QueueId, QueueOffset } from '@rocketmq-ts/model'
import type { Scheduler } from '@rocketmq-ts/runtime'
import type { KeyIndex } from '../key-index/key-index.ts'
import type { QueueReader, RecordReader, RecordTimes } from '../message-store.ts'
import { queryKeys } from './query-keys.ts'
import { recordAt, type RecordPlaces } from './record-at.ts'
import { earliestStoredMs, searchOffset } from './search-offset.ts'

/** What to look for by key. */
export interface KeyQuery {
  readonly topic: string
  /** A unique key of a message, or one of its KEYS. */
  readonly key: string
  /** 'tag': `key` is the tag of a message instead. */
  readonly kind?: KeyKind | undefined
  /** Store times in milliseconds, both included. */
  readonly fromMs: number
  readonly toMs: number
  /** Records wanted, at most: the newest ones. */
  readonly max: number
}

/** A record that was found by its key or its place. */
export interface FoundRecord {
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: QueueOffset
  readonly commitLogOffset: CommitLogOffset
  readonly storeTimestampMs: number
  /** Encoded properties text. */
  readonly properties: Buffer
  /** The whole record, in Apache's layout. */
  readonly bytes: Uint8Array
}

export interface KeyQueryResult {
  /** In the order of the log. */
  readonly records: readonly FoundRecord[]
  /** A bound of the query was reached: there may be older ones in the window. */
  readonly isCut: boolean
  /** The last record in the index; zeros for an empty one. */
  readonly lastIndexed: { readonly timestampMs: number; readonly offset: number }
}

/** LOWER: the first message stored at a time or later. UPPER: the last one stored at that time or before. */
export type TimeBoundary = 'LOWER' | 'UPPER'

/** Finds messages otherwise than by queue offset. Every query is bounded, and paced: other work runs in between. */
export interface MessageQueries {
  /**
   * Messages by key that consumers may see. Each has the very key, and is stored within the window; messages of an earlier
   * incarnation of the topic are not found. Rejects with MqError 'unavailable' after the index failed. Java:
   * DefaultMessageStore.queryMessage, which answers any key of the same hash.
   */
  queryKeys(query: KeyQuery): Promise<KeyQueryResult>
  /**
   * The record that starts at a place of the log, if its queue knows it and its body is one that is accepted today. Java:
   * lookMessageByOffset, which checks nothing.
   */
  recordAt(at: CommitLogOffset): Promise<FoundRecord | undefined>
  /**
   * Queue offset of the message at the boundary, within the bounds of the queue: its max when all are older (LOWER), its
   * min when all are newer (UPPER). Lost messages are stepped over. Java: getOffsetInQueueByTime.
   */
  searchOffset(queue: QueueId, timestampMs: number, boundary: TimeBoundary): Promise<QueueOffset>
  /** When the first message of a queue was stored; undefined without one. Java: getEarliestMessageTime. */
  earliestStoredMs(queue: QueueId): Promise<number | undefined>
}

export interface MessageQueriesDeps {
  readonly index: KeyIndex
  readonly scheduler: Scheduler
  readonly reader: QueueReader & RecordReader & RecordTimes
  readonly log: RecordPlaces['log']
  /** See UnitReads.isBorderRight. */
  readonly isBorderRight: (queue: QueueId, offset: number) => Promise<boolean>
  /** Consumers may see what starts below. */
  readonly visibleEnd: () => number
}

/** Creates the queries of one store. */
export function createMessageQueries(deps: MessageQueriesDeps): MessageQueries {
  const { scheduler } = deps
  const own = { ...deps, pause: () => new Promise<void>((resolve) => scheduler.soon(resolve)) }
  return {
    queryKeys: (query) => queryKeys(own, query),
    recordAt: (at) => recordAt(own, at),
    searchOffset: (queue, timestampMs, boundary) => searchOffset(own, queue, timestampMs, boundary),
    earliestStoredMs: (queue) => earliestStoredMs(own, queue),
  }
}
