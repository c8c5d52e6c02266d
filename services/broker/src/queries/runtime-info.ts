// GET_BROKER_RUNTIME_INFO: figures that mqadmin, the dashboard and exporters read by name; all of them are texts.
// Java: AdminBrokerProcessor.prepareRuntimeInfo, StoreStatsService.
import { type IncomingRequest, REMOTING_VERSION, ResponseCode, encodeKvTable } from '@rocketmq-ts/remoting'
import type { Clock } from '@rocketmq-ts/runtime'
import type { MessageStore } from '@rocketmq-ts/store'
import manifest from '../../package.json' with { type: 'json' }
import type { Delays } from '../delay/delays.ts'
import { SECOND_MS } from '../limits.ts'
import { Traffic } from './traffic.ts'

const NO_RATE = '0.0 0.0 0.0'
/** What Java answers when it can not tell. */
const UNKNOWN = '-1'
/** Of REMOTING_VERSION. */
const VERSION_TEXT = 'V5_3_3'

export interface RuntimeInfoDeps {
  readonly clock: Clock
  readonly store: Pick<MessageStore, 'positions' | 'failure'>
  readonly topics: () => number
  readonly groups: () => number
  /** Delayed messages. */
  readonly delays: Pick<Delays, 'pending' | 'lateMs'>
}

export interface RuntimeInfo {
  sent(messages: number): void
  delivered(messages: number): void
  getBrokerRuntimeInfo(request: IncomingRequest): void
}

export function createRuntimeInfo({ clock, store, topics, groups, delays }: RuntimeInfoDeps): RuntimeInfo {
  const bootMs = clock.nowMs()
  const puts = new Traffic(bootMs)
  const gets = new Traffic(bootMs)
  /** Requests for messages that got some; those that got none are not counted. */
  const found = new Traffic(bootMs)

  function traffic(nowMs: number): Record<string, string> {
    const put = puts.totals(nowMs)
    const got = gets.totals(nowMs)
    return {
      putTps: puts.perSecondText(nowMs),
      getTransferredTps: gets.perSecondText(nowMs),
      getFoundTps: found.perSecondText(nowMs),
      getTotalTps: found.perSecondText(nowMs),
      getMissTps: NO_RATE,
      msgPutTotalTodayNow: String(put.now),
      msgPutTotalTodayMorning: String(put.thisMorning),
      msgPutTotalYesterdayMorning: String(put.yesterdayMorning),
      msgGetTotalTodayNow: String(got.now),
      msgGetTotalTodayMorning: String(got.thisMorning),
      msgGetTotalYesterdayMorning: String(got.yesterdayMorning),
      putMessageTimesTotal: String(put.now),
    }
  }

  function storage(): Record<string, string> {
    const { written, flushed } = store.positions
    return {
      commitLogMaxOffset: String(written),
      remainHowManyDataToFlush: `${written - flushed} B`,
      dispatchBehindBytes: '0',
      commitLogDiskRatio: `${UNKNOWN}.0`,
      earliestMessageTimeStamp: UNKNOWN,
      pageCacheLockTimeMills: '0',
    }
  }

  /** Java: TimerMessageStore.getDequeueBehind, in seconds, and getAllCongestNum. */
  function timers(): Record<string, string> {
    return {
      timerReadBehind: String(Math.floor(delays.lateMs() / SECOND_MS)),
      timerCongestNum: String(delays.pending),
    }
  }

  return {
    sent: (messages) => puts.add(messages, clock.nowMs()),
    delivered(messages) {
      gets.add(messages, clock.nowMs())
      found.add(1, clock.nowMs())
    },
    getBrokerRuntimeInfo(request) {
      const nowMs = clock.nowMs()
      const table = {
        brokerVersion: String(REMOTING_VERSION),
        brokerVersionDesc: VERSION_TEXT,
        implementation: `rocketmq-ts ${manifest.version}`,
        brokerActive: String(store.failure === undefined),
        bootTimestamp: String(bootMs),
        runtime: durationText(nowMs - bootMs),
        startAcceptSendRequestTimeStamp: '0',
        topicCount: String(topics()),
        groupCount: String(groups()),
        ...traffic(nowMs),
        ...storage(),
        ...timers(),
        ...IDLE_PARTS,
      }
      request.respond({ code: ResponseCode.SUCCESS, body: encodeKvTable(new Map(Object.entries(table))) })
    },
  }
}

/** Of parts that this broker does not have: no thread pools, and no timer that lags behind its topic. Tools read them as numbers. */
const IDLE_PARTS = {
  sendThreadPoolQueueSize: '0',
  sendThreadPoolQueueHeadWaitTimeMills: '0',
  pullThreadPoolQueueSize: '0',
  pullThreadPoolQueueHeadWaitTimeMills: '0',
  timerOffsetBehind: '0',
  timerEnqueueTps: '0.0',
  timerDequeueTps: '0.0',
}

/** As Java writes it: `[ 0 days, 1 hours, 2 minutes, 3 seconds ]`. */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ]
  return `[ ${days} days, ${hours % 24} hours, ${minutes % 60} minutes, ${seconds % 60} seconds ]`
}
