// rmq group describe: settings, how far the group has come in each queue, and what it gave up.
import { deadLetterTopicOf, topicMessageType } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { compareText, durationText, timeText } from '../output/text.ts'
import type { Scope } from '../session.ts'
import { askAll } from './ask-all.ts'
import { lagOf } from './broker-backlog.ts'
import { clientsOf, showDiffering } from './group-clients.ts'
import { attemptsText, findGroup, type GroupAt, groupDocument, noSuchGroup, placesOf } from './groups.ts'
import { common } from './topics.ts'

export async function groupDescribe(context: Context, options: Scope, group: string): Promise<number> {
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const looked = await findGroup(context, brokers, group)
  const places = placesOf(looked)
  if (places.length === 0) throw noSuchGroup(group)
  const asked = looked.answers.map(({ broker }) => broker)
  const { answers, failed } = await askAll(context, asked, async (address) => ({
    queues: await session.brokers.consumeStats(address, group),
    deadLetters: (await session.brokers.topicStats(address, deadLetterTopicOf(group))) ?? [],
  }))
  const queues = answers
    .flatMap(({ value }) =>
      value.queues.map((queue) => ({
        topic: queue.topic,
        brokerName: queue.brokerName,
        queueId: queue.queueId,
        settledOffset: queue.consumerOffset,
        deliveredOffset: queue.pullOffset,
        maxOffset: queue.brokerOffset,
        lag: lagOf(queue),
        lagMs: queue.lagMs === undefined || queue.lagMs < 0 ? null : queue.lagMs,
        lastSettledMs: queue.lastTimestamp > 0 ? queue.lastTimestamp : null,
      })),
    )
    .sort(
      (left, right) =>
        compareText(left.topic, right.topic) ||
        compareText(left.brokerName, right.brokerName) ||
        left.queueId - right.queueId,
    )
  const lag = queues.reduce((sum, queue) => sum + queue.lag, 0)
  const isAgeKnown = queues.every(({ lagMs }) => lagMs !== null)
  const lagMs = isAgeKnown ? queues.reduce((oldest, queue) => Math.max(oldest, queue.lagMs ?? 0), 0) : null
  const deadLetters = answers
    .flatMap(({ value }) => value.deadLetters)
    .reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0)
  await warnOfOrder(context, places, new Set(queues.map(({ topic }) => topic)))
  const clients = await clientsOf(session, asked, group)
  const document = {
    ...groupDocument(group, places),
    lag,
    lagMs,
    deadLetters,
    clients: clients?.count ?? null,
    subscriptions: clients?.ways ?? [],
  }
  if (printer.isJson) printer.document({ ...document, queues })
  else {
    printer.fields([
      ['Group', group],
      ['Attempts', common(places.map(({ config }) => attemptsText(config)))],
      ['Order', document.order],
      ['Retries after', document.retryPolicy],
      ['Enabled', document.enabled ? 'yes' : switchedOff(places)],
      ['Lag', lag === 0 || lagMs === null ? lag : `${lag}, the oldest for ${durationText(lagMs)}`],
      ['Dead letters', deadLetters],
      ...(clients === undefined ? [] : [['Clients', clients.count] as const]),
    ])
    printer.line()
    if (queues.length === 0) printer.line('It has consumed nothing yet.')
    else {
      printer.table(
        COLUMNS,
        queues.map((queue) => [
          queue.topic,
          queue.brokerName,
          queue.queueId,
          queue.settledOffset,
          queue.deliveredOffset,
          queue.maxOffset,
          queue.lag,
          queue.lag === 0 || queue.lagMs === null ? '-' : durationText(queue.lagMs),
          timeText(queue.lastSettledMs ?? 0),
        ]),
      )
    }
  }
  if (clients !== undefined) showDiffering(context, group, clients)
  return looked.failed || failed ? ExitCode.FAILED : ExitCode.OK
}

/** What consumers meet, and what changes it. */
function switchedOff(places: readonly GroupAt[]): string {
  const off = places.filter(({ config }) => !config.consumeEnable)
  const where = off.length === places.length ? '' : ` on ${off.map(({ broker }) => broker.brokerName).join(', ')}`
  const name = off[0]?.config.groupName
  return `no${where}: consumers are refused (FORBIDDEN) until: rmq group update ${name} --consume-enable true`
}

/** Topics that are looked at, at most. */
const ORDER_TOPICS_MAX = 32

/** Messages of a FIFO topic come in any order to a group that does not ask for more. */
async function warnOfOrder({ printer, session }: Context, places: readonly GroupAt[], topics: Set<string>) {
  const loose = places.find(({ config }) => !config.consumeMessageOrderly)
  if (loose === undefined) return
  const { brokers } = await session()
  for (const topic of [...topics].slice(0, ORDER_TOPICS_MAX)) {
    const config = await brokers.topicConfig(loose.broker.address, topic)
    if (config === undefined || topicMessageType(config) !== 'FIFO') continue
    const group = loose.config.groupName
    printer.warning(
      `group '${group}' consumes FIFO topic '${topic}' in any order; to have it in order: rmq group update ${group} --order`,
    )
  }
}

const COLUMNS = [
  { title: 'TOPIC' },
  { title: 'BROKER' },
  { title: 'QUEUE', align: 'right' },
  { title: 'SETTLED', align: 'right' },
  { title: 'DELIVERED', align: 'right' },
  { title: 'MAX', align: 'right' },
  { title: 'LAG', align: 'right' },
  { title: 'FOR', align: 'right' },
  { title: 'LAST SETTLED' },
] as const
