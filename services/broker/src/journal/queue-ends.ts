// Where queues end, in the journal. Files of the log go with the records that show it, and no other file of a store may be
// one that must not be lost. So each roll of a segment says it once more, for a start that has no checkpoint.
import type { MessageStore, QueueEnd } from '@rocketmq-ts/store'
import { QUEUE_ID_MAX, type SettingEntry } from '../inflight/api.ts'

/** An entry for each queue. It holds at the moment it is taken: journal it before anything else happens. */
export function* liveQueueEnds(store: Pick<MessageStore, 'queueEnds'>): Generator<SettingEntry> {
  for (const { topic, queueId, end } of store.queueEnds()) {
    yield { kind: 'queue-end', name: topic, incarnation: 0, payload: `${queueId}:${end}` }
  }
}

/** What settings say of queues; what can not be is left out. */
export function queueEndsIn(settings: readonly SettingEntry[]): QueueEnd[] {
  return settings.flatMap(({ kind, name, payload }) => {
    if (kind !== 'queue-end') return []
    const [queueId = NaN, end = NaN] = payload.split(':').map(Number)
    const isQueue = Number.isSafeInteger(queueId) && queueId >= 0 && queueId <= QUEUE_ID_MAX
    return isQueue && Number.isSafeInteger(end) && end > 0 ? [{ topic: name, queueId, end }] : []
  })
}
