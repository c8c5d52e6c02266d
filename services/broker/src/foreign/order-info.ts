// `consumerOrderInfo.json` for Apache's broker: what groups that consume in order have in their hands, so that it holds these
// queues up as we do and goes on counting. Invariant: of each queue the lowest messages that are not settled stand in it, so
// whatever it does not name is settled, or comes again. Java: ConsumerOrderInfoManager.encode.
import { stringifyJavaJson } from '@rocketmq-ts/model'
import type { GroupTable } from '../groups/group-table.ts'
import type { Inflight, PendingDelivery, QueueState } from '../inflight/inflight.ts'

/** Messages of one queue: Apache marks them in a mask of 64 bits. */
export const ORDERED_MESSAGES_MAX = 64

/** The text of the file. */
export function orderInfoMirror(inflight: Pick<Inflight, 'all' | 'oldest'>, groups: Pick<GroupTable, 'get'>): string {
  const table = new Map<string, Map<number, object>>()
  for (const queue of inflight.all()) {
    if (queue.entries === 0 || groups.get(queue.group)?.consumeMessageOrderly !== true) continue
    const info = infoOf(queue, inflight.oldest(queue, ORDERED_MESSAGES_MAX))
    if (info === undefined) continue
    const key = `${queue.topic}@${queue.group}`
    const queues = table.get(key) ?? new Map<number, object>()
    table.set(key, queues.set(queue.queueId, info))
  }
  return stringifyJavaJson({ table })
}

function infoOf({ attemptId }: QueueState, pending: readonly PendingDelivery[]): object | undefined {
  // What waits in its line without a delivery is delivered anew, with all behind it.
  const waiting = pending.findIndex(({ attempts }) => attempts === 0)
  const delivered = waiting < 0 ? pending : pending.slice(0, waiting)
  const [first] = delivered
  if (first === undefined) return undefined
  const popTime = Math.max(...delivered.map((each) => each.popTime))
  const latest = delivered.find((each) => each.popTime === popTime)
  const invisibleMs = Math.max(0, (latest?.deadlineMs ?? popTime) - popTime)
  const visible = delivered.flatMap(({ offset, popTime: own, deadlineMs = own }): [number, number][] =>
    deadlineMs === popTime + invisibleMs ? [] : [[offset, deadlineMs]],
  )
  const again = delivered.filter(({ attempts }) => attempts > 1)
  return {
    ...(attemptId !== '' && { a: attemptId }),
    cm: 0,
    i: invisibleMs,
    l: popTime,
    o: delivered.map(({ offset }, index) => (index === 0 ? offset : offset - first.offset)),
    ...(again.length > 0 && { oc: new Map(again.map(({ offset, attempts }) => [offset, attempts - 1])) }),
    ...(visible.length > 0 && { ot: new Map(visible) }),
    popTime,
  }
}
