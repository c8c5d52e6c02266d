// PULL_MESSAGE as tools ask it: what a queue holds from an offset on, without a wait, a filter, or a position of a group.
// Consumers are served by pops. Java: PullMessageProcessor.
import { MqError, Perm, queueOffset } from '@rocketmq-ts/model'
import {
  type IncomingRequest,
  PullFlag,
  type PullMessageAnswer,
  type PullMessageHeader,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import { isFillerUnit, type QueueReader, type Unit, type UnitReader } from '@rocketmq-ts/store'
import { PULL_BYTES_MAX, PULL_MESSAGES_MAX, PULLS_IN_WORK_MAX, PULLS_WAITING_MAX } from '../limits.ts'
import { isDamage } from '../pop/damage.ts'
import { requireQueue, type TopicTable } from '../topics/topic-table.ts'
import { createWorkLine } from './work-line.ts'

export interface PullDeps {
  readonly reader: QueueReader & UnitReader
  readonly topics: Pick<TopicTable, 'require'>
}

const MASTER_ID = 0
/** All messages of a queue. */
const EVERYTHING: ReadonlySet<string> = new Set(['', '*'])

interface Pulled {
  /** Records that can be read. */
  readonly records: readonly Uint8Array[]
  readonly next: number
}

/** The handler. */
export function createPullMessage({ reader, topics }: PullDeps) {
  const withinBounds = createWorkLine({
    inWorkMax: PULLS_IN_WORK_MAX,
    waitingMax: PULLS_WAITING_MAX,
    name: 'pulls',
  })

  async function unitsFrom(header: PullMessageHeader, max: number): Promise<{ units: readonly Unit[]; next: number }> {
    for (;;) {
      const units: Unit[] = []
      const result = reader.scan(
        header,
        queueOffset(header.queueOffset),
        (unit) => {
          if (!isFillerUnit(unit)) units.push(unit)
          return 'take'
        },
        { unitsMax: max },
      )
      if (result.kind === 'scanned') return { units, next: result.next }
      await result.load()
    }
  }

  /** What is damaged is passed over, as consumers do. */
  async function read(header: PullMessageHeader): Promise<Pulled> {
    const { units, next } = await unitsFrom(header, Math.min(header.maxMsgNums, PULL_MESSAGES_MAX))
    const bytesMax = Math.min(header.maxMsgBytes ?? PULL_BYTES_MAX, PULL_BYTES_MAX)
    const records: Uint8Array[] = []
    let bytes = 0
    for (const unit of units) {
      bytes += unit.size
      // A first one always fits.
      if (records.length > 0 && bytes > bytesMax) return { records, next: unit.queueOffset }
      try {
        records.push(await reader.readUnit(header, unit))
      } catch (error) {
        if (!isDamage(error)) throw error
      }
    }
    return { records, next }
  }

  return async (request: IncomingRequest<PullMessageHeader, PullMessageAnswer>): Promise<void> => {
    const { header } = request
    check(header)
    const topic = topics.require(header.topic)
    if ((topic.config.perm & Perm.READ) === 0) {
      throw new MqError('no-permission', `topic '${header.topic}' is not readable`)
    }
    requireQueue(topic, header.queueId)
    const { min, max } = reader.bounds(header.topic, header.queueId)
    const answer = (code: number, nextBeginOffset: number, more: { body?: Uint8Array; remark?: string } = {}) =>
      request.respond({
        code,
        header: { suggestWhichBrokerId: MASTER_ID, nextBeginOffset, minOffset: min, maxOffset: max },
        ...more,
      })
    const { queueOffset: from } = header
    if (from < min || from > max) {
      const remark = `queueOffset is ${from}; queue ${header.queueId} of '${header.topic}' has ${min} to ${max}`
      return answer(ResponseCode.PULL_OFFSET_MOVED, from < min ? min : max, { remark })
    }
    if (from === max) return answer(ResponseCode.PULL_NOT_FOUND, max)
    const { records, next } = await withinBounds(() => read(header))
    if (records.length === 0) return answer(ResponseCode.PULL_RETRY_IMMEDIATELY, next)
    return answer(ResponseCode.SUCCESS, next, { body: Buffer.concat(records) })
  }
}

function check({ maxMsgNums, sysFlag, subscription = '' }: PullMessageHeader): void {
  if (maxMsgNums < 1) throw new MqError('parameter-invalid', `maxMsgNums is ${maxMsgNums}; allowed is 1 and more`)
  if ((sysFlag & (PullFlag.SUSPEND | PullFlag.COMMIT_OFFSET)) !== 0) {
    const text = 'sysFlag: a pull that waits or commits an offset is a consumer: consumers are served by POP_MESSAGE'
    throw new MqError('not-implemented', text)
  }
  if ((sysFlag & PullFlag.SUBSCRIPTION) !== 0 && !EVERYTHING.has(subscription)) {
    throw new MqError(
      'filter-illegal',
      `subscription is '${subscription.slice(0, 64)}': a pull takes no filter but '*'`,
    )
  }
}
