// What a broker reports. Names, places and reasons only, never a body, a key or a credential.
import type { CommitLogOffset } from '@rocketmq-ts/model'
import { REMOTING_REMEDIES, type RemotingEvent } from '@rocketmq-ts/remoting'
import type { Remedies } from '@rocketmq-ts/runtime'
import { STORE_REMEDIES, type StoreEvent } from '@rocketmq-ts/store'

/** Every log line of a broker: name and fields. */
export type BrokerEvent =
  | { event: 'broker.started'; brokerName: string; listen: string; storeRecoveredBytes: number }
  | { event: 'broker.stopped'; brokerName: string }
  /** Parts of it did not stop in time, or failed at it. */
  | { event: 'broker.stop-failed'; message: string }
  | { event: 'broker.open'; host: string }
  | { event: 'broker.defect'; message: string; stack: string }
  /** Everything that arrived meanwhile waited for this Turn: `handledMs` for requests, the rest for the write. */
  | { event: 'turn.slow'; jobs: number; handledMs: number; tookMs: number; limitMs: number }
  | { event: 'ledger.unbalanced'; topic: string; group: string; queueId: number; faults: string }
  | { event: 'segment.rolled'; baseOffset: CommitLogOffset }
  | { event: 'states.complete'; baseOffset: CommitLogOffset }
  | { event: 'snapshot.rejected'; reason: string }
  | { event: 'snapshot.failed'; message: string }
  /** Of a folder that Apache's broker had: what is as it left it now; what could not be taken. */
  | { event: 'foreign.taken-over'; settings: number; queues: number; inFlight: number }
  | { event: 'foreign.rejected'; reason: string }
  | { event: 'topic.created'; topic: string; queues: number }
  | { event: 'topic.deleted'; topic: string }
  | { event: 'group.created'; group: string }
  /** More messages are in the window than can be remembered: so many of the oldest may be stored twice. */
  | { event: 'dedup.shortened'; topic: string; messages: number }
  /** Somebody moved its positions: `again` messages come once more, `skipped` ones do not come. */
  | { event: 'group.reset'; topic: string; group: string; queues: number; again: number; skipped: number }
  | { event: 'message.dead'; topic: string; group: string; queueId: number; queueOffset: number; attempts: number }
  | {
      event: 'dead-letter.postponed'
      topic: string
      group: string
      queueId: number
      queueOffset: number
      message: string
    }
  /** Deliveries that retention would have taken go on in the group's retry topic. */
  | { event: 'survivors.copied'; topic: string; group: string; queueId: number; messages: number }
  /** The topic's messages were sent to be consumed in order, and this group does not. At most once an hour each. */
  | { event: 'group.unordered'; topic: string; group: string; remedy: string }
  /** Two clients of a group have subscribed to different topics, or with different filters. */
  | {
      event: 'group.subscriptions-differ'
      group: string
      clientId: string
      subscriptions: string
      otherClientId: string
      otherSubscriptions: string
      remedy: string
    }
  | { event: 'message.damaged'; topic: string; group: string; queueId: number; queueOffset: number; message: string }
  /** A delayed message that can not be read. */
  | { event: 'timer.damaged'; commitLogOffset: number; dueMs: number }
  | { event: 'timer.unreadable'; commitLogOffset: number; dueMs: number }
  | { event: 'timer.index-damaged'; message: string }
  | { event: 'timer.index-rebuilt'; pending: number }
  | { event: 'timers.unbalanced'; faults: string }
  /** Delayed messages whose records retention takes were written once more. */
  | { event: 'timers.moved'; messages: number }
  /** `joinCluster`: settings of peers are here now; some were refused; nobody answered in time; all is here. */
  | { event: 'cluster.settings-taken'; peers: number; added: number }
  | { event: 'cluster.settings-refused'; count: number; first: string }
  | { event: 'cluster.join-late'; peers: number; reason: string; remedy: string }
  | { event: 'cluster.join-incomplete'; peers: number; answered: number; reason: string; remedy: string }
  | { event: 'cluster.join-unfinished'; message: string }
  | { event: 'cluster.joined'; peers: number }
  | { event: 'registration.failed'; nameServer: string; message: string }
  | { event: 'registration.done'; nameServer: string; topics: number }

/** What an operator must do about an event that a broker logs. */
export const BROKER_REMEDIES: Remedies<BrokerEvent | StoreEvent | RemotingEvent> = {
  ...STORE_REMEDIES,
  ...REMOTING_REMEDIES,
  'broker.stop-failed': 'Start it again: it recovers as after a crash. Report it with this line.',
  'broker.defect': 'A defect: the broker stops, and comes back as after a crash. Report it with this line.',
  'broker.open': 'Keep the network closed: whoever reaches the port may do everything.',
  'foreign.rejected': 'Create the topic or group that the line names, or set its offset; its messages are there.',
  'ledger.unbalanced': 'A defect: report it with this line. Messages of the group may come twice, or not at all.',
  'turn.slow': 'Look at CPU and disk of the machine: everything that arrived meanwhile has waited.',
  'timer.damaged': 'Check the disk. The message is not delivered.',
  'timer.unreadable': 'Check the disk, which does not give the message back. It is tried again every minute.',
  'timer.index-damaged': 'Check the disk. Delayed messages come later: what is pending is read from the log again.',
  'timers.unbalanced': 'A defect: report it with this line. Delayed messages may come twice, or not at all.',
  'message.damaged': 'Check the disk. The group goes on without this message.',
  'message.dead': 'Find out why the consumer fails, then look at the messages in the dead-letter topic.',
  'dead-letter.postponed': 'Free space on the disk, or wait: the message is copied when there is room.',
  'registration.failed': 'Check the nameserver and the network to it. Clients that use it do not find this broker.',
  'snapshot.failed': 'Check the rights and the space of the folder of the store. Until then a restart takes longer.',
}
