// The topics and groups that scenarios find: those that no server makes by itself as they are needed.
import type { LanguageName } from './languages.ts'
import type { Rmq, TopicType } from './rmq.ts'

const DEAD_LETTER_ATTEMPTS = 2
/** On each broker: with two of them some message groups share a queue, some do not. */
const QUEUES_IN_ORDER = 2
const QUEUES = 4
const CALLS_AT_ONCE = 4
/** These receive so often that a poll of each queue would take long: they have one on each broker. */
const ONE_QUEUE = ['group-reset']

const TYPES: Readonly<Record<string, Exclude<TopicType, 'NORMAL'>>> = {
  'fifo-simple': 'FIFO',
  'fifo-push': 'FIFO',
  'fifo-retry': 'FIFO',
  delay: 'DELAY',
  recall: 'DELAY',
  transaction: 'TRANSACTION',
}
/** Nobody makes these before the program asks for them. */
const UNKNOWN_TOPICS = ['topic-created', 'topic-refused']

/** Makes them for these scenarios of a language; `topics`: all, or those that a proxy that creates topics would make otherwise. */
export async function createResources(
  rmq: Rmq,
  name: LanguageName,
  scenarios: readonly string[],
  topics: 'all' | 'not those of the proxy',
): Promise<void> {
  const calls = scenarios.flatMap((scenario) => callsFor(rmq, `${name}-${scenario}`, scenario, topics))
  const workers = Array.from({ length: CALLS_AT_ONCE }, async () => {
    for (let call = calls.shift(); call !== undefined; call = calls.shift()) await call()
  })
  await Promise.all(workers)
}

function callsFor(rmq: Rmq, topic: string, scenario: string, topics: string): (() => Promise<void>)[] {
  const group = topic
  const type = TYPES[scenario]
  if (type === 'FIFO') {
    return [() => rmq.createTopic(topic, QUEUES_IN_ORDER, type), () => rmq.createOrderedGroup(group)]
  }
  if (scenario === 'dedup') return [() => rmq.createDedupTopic(topic)]
  const calls: (() => Promise<void>)[] = []
  const hasOneQueue = ONE_QUEUE.includes(scenario)
  const isNeeded = topics === 'all' ? !UNKNOWN_TOPICS.includes(scenario) : scenario === 'dead-letter' || hasOneQueue
  if (type !== undefined || isNeeded) {
    calls.push(() => rmq.createTopic(topic, hasOneQueue ? 1 : QUEUES, type ?? 'NORMAL'))
  }
  if (scenario === 'dead-letter') calls.push(() => rmq.createGroup(group, DEAD_LETTER_ATTEMPTS))
  if (scenario === 'group-disabled') calls.push(() => rmq.createDisabledGroup(group))
  return calls
}
