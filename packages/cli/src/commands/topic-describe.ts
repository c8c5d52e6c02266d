// rmq topic describe: settings, and how full each queue is.
import { CliFailure, ExitCode } from '../failures.ts'
import type { Context } from '../context.ts'
import { compareText, timeText } from '../output/text.ts'
import type { Scope } from '../session.ts'
import { askAll } from './ask-all.ts'
import { common, dedupText, shardingText, retentionText, type TopicAt, topicDocument } from './topics.ts'

export async function topicDescribe(context: Context, options: Scope, topic: string): Promise<number> {
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const { answers, failed } = await askAll(context, brokers, async (address) => {
    const config = await session.brokers.topicConfig(address, topic)
    const stats = config === undefined ? undefined : await session.brokers.topicStats(address, topic)
    return { config, stats: stats ?? [] }
  })
  const places = answers.flatMap(({ broker, value: { config } }): TopicAt[] =>
    config === undefined ? [] : [{ broker, config }],
  )
  if (places.length === 0) throw noSuchTopic(topic)
  const queues = answers
    .flatMap(({ broker, value }) =>
      value.stats.map((queue) => ({
        brokerName: broker.brokerName,
        queueId: queue.queueId,
        minOffset: queue.minOffset,
        maxOffset: queue.maxOffset,
        messages: queue.maxOffset - queue.minOffset,
        lastMessageMs: queue.lastUpdateTimestamp > 0 ? queue.lastUpdateTimestamp : null,
      })),
    )
    .sort((left, right) => compareText(left.brokerName, right.brokerName) || left.queueId - right.queueId)
  const messages = queues.reduce((sum, queue) => sum + queue.messages, 0)
  const document = { ...topicDocument(topic, places), messages }
  const dedup = common(places.map(({ config }) => dedupText(config)))
  const order = common(places.map(({ config }) => shardingText(config)))
  const retention = common(places.map(({ config }) => retentionText(config)))
  if (printer.isJson) {
    const attributes = Object.fromEntries(places[0]?.config.attributes ?? [])
    printer.document({ ...document, attributes, queueList: queues })
  } else {
    printer.fields([
      ['Topic', topic],
      ['Type', document.type],
      ['Permission', document.perm],
      ['Queues', document.queues],
      ...(retention === '' ? [] : [['Retention', retention] as const]),
      ...(order === '' ? [] : [['Sharded over', order] as const]),
      ...(dedup === '' ? [] : [['Takes', dedup] as const]),
      ['Messages', messages],
    ])
    printer.line()
    printer.table(
      COLUMNS,
      queues.map((queue) => [
        queue.brokerName,
        queue.queueId,
        queue.minOffset,
        queue.maxOffset,
        queue.messages,
        timeText(queue.lastMessageMs ?? 0),
      ]),
    )
  }
  return failed ? ExitCode.FAILED : ExitCode.OK
}

const COLUMNS = [
  { title: 'BROKER' },
  { title: 'QUEUE', align: 'right' },
  { title: 'MIN', align: 'right' },
  { title: 'MAX', align: 'right' },
  { title: 'MESSAGES', align: 'right' },
  { title: 'LAST' },
] as const

export function noSuchTopic(topic: string): CliFailure {
  return new CliFailure(
    'topic-not-found',
    `no broker has topic '${topic}'`,
    `rmq topic list --all shows those that there are; create it with: rmq topic create ${topic}`,
  )
}
