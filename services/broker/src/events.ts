import type { CommitLogOffset } from '@rocketmq-ts/model'

/** Every log line of a broker: name and fields. */
export type BrokerEvent =
  | { event: 'broker.started'; brokerName: string; listen: string; storeRecoveredBytes: number }
  | { event: 'broker.stopped'; brokerName: string }
  | { event: 'broker.open'; host: string }
  | { event: 'broker.defect'; message: string; stack: string }
  | { event: 'store.recovered'; cleanStop: boolean; end: number; records: number; cutBytes: number; rebuilt: number }
  | { event: 'store.damaged'; from: number; to: number }
  | { event: 'store.failed'; message: string }
  /** Everything that arrived meanwhile waited for this Turn: `handledMs` for requests, the rest for the write. */
  | { event: 'turn.slow'; jobs: number; handledMs: number; tookMs: number; limitMs: number }
  | { event: 'ledger.unbalanced'; topic: string; group: string; queueId: number; faults: string }
  | { event: 'segment.rolled'; baseOffset: CommitLogOffset }
  | { event: 'states.complete'; baseOffset: CommitLogOffset }
  | { event: 'snapshot.rejected'; reason: string }
  | { event: 'snapshot.failed'; message: string }
  | { event: 'mirror.failed'; file: string; message: string }
  | { event: 'topic.created'; topic: string; queues: number }
  | { event: 'topic.deleted'; topic: string }
  | { event: 'group.created'; group: string }
  | { event: 'message.dead'; topic: string; group: string; queueId: number; queueOffset: number; attempts: number }
  | {
      event: 'dead-letter.postponed'
      topic: string
      group: string
      queueId: number
      queueOffset: number
      message: string
    }
  | { event: 'message.damaged'; topic: string; group: string; queueId: number; queueOffset: number; message: string }
  /** `joinCluster`: settings of peers are here now; some were refused; nobody answered in time; all is here. */
  | { event: 'cluster.settings-taken'; peers: number; added: number }
  | { event: 'cluster.settings-refused'; count: number; first: string }
  | { event: 'cluster.join-late'; peers: number; reason: string; remedy: string }
  | { event: 'cluster.join-incomplete'; peers: number; answered: number; reason: string; remedy: string }
  | { event: 'cluster.join-unfinished'; message: string }
  | { event: 'cluster.joined'; peers: number }
  | { event: 'registration.failed'; nameServer: string; message: string }
  | { event: 'registration.done'; nameServer: string; topics: number }
  | { event: 'request.failed'; code: number; message: string }
