// Names of topics and groups that no method takes, wherever a name is sent.
import type { GrpcCase } from './grpc-case.ts'
import { message, type Row, rows, sends } from './grpc-methods.ts'

const ILLEGAL_TOPICS: readonly (readonly [name: string, topic: string | undefined])[] = [
  ['no topic', undefined],
  ['an empty topic', ''],
  ['a blank topic', '  '],
  ['a topic of 128 characters', 't'.repeat(128)],
  ['a topic with a slash', '../../etc/passwd'],
  ['a topic with a space', 'a b'],
  ['a topic with a control character', 'a\u0001b'],
  ['a topic that is not ASCII', '主题'],
  ['a topic of a million characters', 't'.repeat(1_000_000)],
  ['the template topic', 'TBW102'],
  ['the topic of delays', 'SCHEDULE_TOPIC_XXXX'],
  ['the topic of half messages', 'RMQ_SYS_TRANS_HALF_TOPIC'],
  ['the topic of the journal', 'rmq_sys_INFLIGHT_LOG'],
]
const ILLEGAL_GROUPS: readonly (readonly [name: string, group: string | undefined])[] = [
  ['no group', undefined],
  ['an empty group', ''],
  ['a group of 121 characters', 'g'.repeat(121)],
  ['a group with a dot', 'a.b'],
  ['a group of the system', 'CID_RMQ_SYS_TRANS'],
]

export function illegalNames(): GrpcCase[] {
  const resource = (name: string | undefined) => (name === undefined ? null : { name })
  const topicIn: Record<string, (name: string | undefined) => object> = {
    SendMessage: (name) => sends(message({ topic: resource(name) })),
    ReceiveMessage: (name) => ({ message_queue: { topic: resource(name), id: -1 } }),
    AckMessage: (name) => ({ topic: resource(name) }),
    ChangeInvisibleDuration: (name) => ({ topic: resource(name) }),
    ForwardMessageToDeadLetterQueue: (name) => ({ topic: resource(name) }),
    QueryRoute: (name) => ({ topic: resource(name) }),
    QueryAssignment: (name) => ({ topic: resource(name) }),
  }
  const cases: GrpcCase[] = []
  for (const [method, change] of Object.entries(topicIn)) {
    cases.push(
      ...rows(
        method,
        ILLEGAL_TOPICS.map(([name, text]) => [name, change(text), 'ILLEGAL_TOPIC', 'topic']),
      ),
    )
  }
  const methods = ['ReceiveMessage', 'AckMessage', 'ChangeInvisibleDuration', 'ForwardMessageToDeadLetterQueue']
  for (const method of [...methods, 'QueryAssignment', 'Heartbeat']) {
    const table = ILLEGAL_GROUPS.map(([name, text]): Row => [
      name,
      { group: resource(text) },
      'ILLEGAL_CONSUMER_GROUP',
      'group',
    ])
    cases.push(...rows(method, table))
  }
  return cases
}
