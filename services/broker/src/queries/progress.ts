// GET_TOPIC_STATS_INFO and GET_CONSUME_STATS: how full queues are, and how far groups have come.
// Java: AdminBrokerProcessor.getTopicStatsInfo, getConsumeStats.
import { type QueueOffset, createRecordPeek, peekRecord, queueOffset } from '@rocketmq-ts/model'
import {
  type GetConsumeStatsHeader,
  type GetTopicStatsInfoHeader,
  type IncomingRequest,
  type QueueConsumeStats,
  type QueueStats,
  ResponseCode,
  encodeConsumeStats,
  encodeTopicStats,
} from '@rocketmq-ts/remoting'
import { type QueueReader, type Unit, type UnitReader, isFillerUnit } from '@rocketmq-ts/store'
import type { Clock } from '@rocketmq-ts/runtime'
import type { Inflight } from '../inflight/inflight.ts'
import type { Topic, TopicTable } from '../topics/topic-table.ts'

export interface ProgressDeps {
  readonly topics: Pick<TopicTable, 'get' | 'require'>
  readonly inflight: Pick<Inflight, 'queue' | 'queuesOf' | 'topicsOf' | 'lowMark' | 'lag'>
  readonly reader: QueueReader & UnitReader
  readonly brokerName: string
  readonly clock: Pick<Clock, 'nowMs'>
}

/** The handlers of GET_CONSUME_STATS and GET_TOPIC_STATS_INFO. */
export function createProgress({ topics, inflight, reader, brokerName, clock }: ProgressDeps) {
  async function unitOf(topic: string, queueId: number, at: QueueOffset): Promise<Unit | undefined> {
    let found: Unit | undefined
    const look = () =>
      reader.scan(
        { topic, queueId },
        at,
        (unit) => {
          found = unit
          return 'take'
        },
        { unitsMax: 1 },
      )
    const first = look()
    if (first.kind === 'cold') {
      await first.load()
      look()
    }
    return found
  }

  /** When the message before `end` was stored; 0 without one, −1 where it can not be told. */
  async function storedBefore(topic: string, queueId: number, end: number): Promise<number> {
    return end <= reader.bounds(topic, queueId).min ? 0 : storedAt(topic, queueId, end - 1)
  }

  /** How old the first message from an offset on is; 0 without one, −1 where it can not be told. */
  async function ageFrom(topic: string, queueId: number, offset: number): Promise<number> {
    if (offset >= reader.bounds(topic, queueId).max) return 0
    const storedMs = await storedAt(topic, queueId, offset)
    return storedMs < 0 ? storedMs : Math.max(0, clock.nowMs() - storedMs)
  }

  async function storedAt(topic: string, queueId: number, offset: number): Promise<number> {
    const unit = await unitOf(topic, queueId, queueOffset(offset))
    if (unit === undefined || isFillerUnit(unit)) return -1
    try {
      const peek = createRecordPeek()
      const bytes = await reader.readUnit({ topic, queueId }, unit)
      return peekRecord(bytes, 0, peek) === 'record' ? peek.storeTimestampMs : -1
    } catch {
      return -1 // the damage is told to those who consume it
    }
  }

  function queueIdsOf({ config }: Topic): number[] {
    return Array.from({ length: Math.max(config.readQueueNums, config.writeQueueNums) }, (_, queueId) => queueId)
  }

  async function statsOf(topic: Topic): Promise<QueueStats[]> {
    const name = topic.config.topicName
    const stats: QueueStats[] = []
    for (const queueId of queueIdsOf(topic)) {
      const { min: minOffset, max: maxOffset } = reader.bounds(name, queueId)
      const lastUpdateTimestamp = await storedBefore(name, queueId, maxOffset)
      stats.push({ topic: name, brokerName, queueId, minOffset, maxOffset, lastUpdateTimestamp })
    }
    return stats
  }

  /** A queue that the group did not reach yet counts from its first message on, as in Java. */
  async function progressOf(topic: Topic, group: string): Promise<QueueConsumeStats[]> {
    const name = topic.config.topicName
    const stats: QueueConsumeStats[] = []
    for (const queueId of queueIdsOf(topic)) {
      const { min, max: brokerOffset } = reader.bounds(name, queueId)
      const queue = inflight.queue(name, group, queueId)
      const consumerOffset = queue === undefined ? min : inflight.lowMark(queue)
      const pullOffset = queue?.cursor ?? min
      const lag = queue === undefined ? brokerOffset - min : inflight.lag(queue, brokerOffset)
      const lastTimestamp = await storedBefore(name, queueId, consumerOffset)
      const lagMs = await ageFrom(name, queueId, consumerOffset)
      const offsets = { brokerOffset, consumerOffset, pullOffset }
      stats.push({ topic: name, brokerName, queueId, ...offsets, lastTimestamp, lag, lagMs })
    }
    return stats
  }

  /** The topics that a request names, or all; of them those that the group consumes here. */
  function consumedTopics({ consumerGroup, topic = '', topicList = '' }: GetConsumeStatsHeader): Topic[] {
    const names = [topic, ...topicList.split(';')].filter((name) => name !== '')
    const candidates = names.length === 0 ? inflight.topicsOf(consumerGroup) : new Set(names)
    return Array.from(candidates, (name) => topics.get(name)).filter(
      (each): each is Topic => each !== undefined && inflight.queuesOf(each.config.topicName, consumerGroup).length > 0,
    )
  }

  return {
    async getTopicStatsInfo(request: IncomingRequest<GetTopicStatsInfoHeader>): Promise<void> {
      const stats = await statsOf(topics.require(request.header.topic))
      request.respond({ code: ResponseCode.SUCCESS, body: encodeTopicStats(stats) })
    },

    /** Java: the table is empty for a group that has consumed nothing. */
    async getConsumeStats(request: IncomingRequest<GetConsumeStatsHeader>): Promise<void> {
      const stats: QueueConsumeStats[] = []
      for (const topic of consumedTopics(request.header)) {
        stats.push(...(await progressOf(topic, request.header.consumerGroup)))
      }
      request.respond({ code: ResponseCode.SUCCESS, body: encodeConsumeStats(stats) })
    },
  }
}
