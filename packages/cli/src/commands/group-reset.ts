// rmq group reset: a group goes on elsewhere. What would change is shown first, queue by queue, and that is what is done.
import { isRetryTopic, realTopicOf } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { compareText, countText, timeText } from '../output/text.ts'
import type { BrokerAddress, Scope, Session } from '../session.ts'
import type { Moment } from '../values.ts'
import { askAll } from './ask-all.ts'
import { type ConfirmOptions, confirmed } from './confirm.ts'
import { findGroup, noSuchGroup, placesOf } from './groups.ts'

export interface GroupResetOptions extends Scope, ConfirmOptions {
  readonly toTime?: Moment
  readonly toOffset?: number
  readonly min?: boolean
  readonly max?: boolean
  readonly skip?: boolean
  readonly topic?: string
  readonly queue?: number
  readonly dryRun?: boolean
}

/** A queue as it is. */
interface QueueNow {
  readonly broker: BrokerAddress
  readonly topic: string
  readonly queueId: number
  /** Null where the group has not begun. */
  readonly from: number | null
  readonly min: number
  readonly max: number
}

interface QueueReset extends QueueNow {
  readonly to: number
}

export async function groupReset(context: Context, options: GroupResetOptions, group: string): Promise<number> {
  checkOptions(options)
  const { printer } = context
  const session = await context.session()
  const looked = await findGroup(context, await session.masters(options), group)
  const brokers = placesOf(looked).map(({ broker }) => broker)
  if (brokers.length === 0) throw noSuchGroup(group)
  const timeMs = timeOf(options, session)
  const { answers, failed } = await askAll(context, brokers, async (address, broker) => {
    const queues = await queuesOf(session, broker, group, options)
    return resetsOf(queues, options, (topic, queueId) =>
      session.brokers.searchOffset(address, { topic, queueId, timestampMs: timeMs }),
    )
  })
  const resets = answers.flatMap(({ value }) => value).sort(byQueue)
  requireQueues(resets, options, group)
  if (!printer.isJson) {
    if (options.toTime !== undefined) printer.line(`To ${timeText(timeMs)}:`)
    printer.table(COLUMNS, resets.map(rowOf))
  }
  if (options.dryRun === true) {
    if (printer.isJson) printer.document(documentOf(group, resets, { dryRun: true }))
    else printer.line(`Nothing was changed: ${effectText(resets)}.`)
    return looked.failed || failed ? ExitCode.FAILED : ExitCode.OK
  }
  const question = `Reset group ${group} in ${countText(resets.length, 'queue')}: ${effectText(resets)}?`
  if (!(await confirmed(context, options, question))) return ExitCode.FAILED
  const done = await resetAll(context, session, group, resets)
  if (printer.isJson) printer.document(documentOf(group, done, { dryRun: false }))
  else if (done.length > 0) {
    printer.line(`Group ${group} reset in ${countText(done.length, 'queue')}: ${effectText(done)}.`)
  }
  return looked.failed || failed || done.length < resets.length ? ExitCode.FAILED : ExitCode.OK
}

function checkOptions({ toTime, toOffset, min, max, skip, topic, queue }: GroupResetOptions): void {
  if (toTime === undefined && toOffset === undefined && min !== true && max !== true && skip !== true) {
    throw new CliFailure('usage', 'where to is missing', 'Add --to-time, --to-offset, --min, --max or --skip.')
  }
  if (queue !== undefined && topic === undefined) {
    throw new CliFailure('usage', '--queue is a queue of a topic', 'Add --topic.')
  }
  if (toOffset === undefined || queue !== undefined) return
  throw new CliFailure('usage', 'offsets of several queues have nothing in common', 'Add --topic and --queue.')
}

/** Wall milliseconds; 0 where no time was given. */
function timeOf({ toTime }: GroupResetOptions, { effects }: Session): number {
  if (toTime === undefined) return 0
  return toTime.kind === 'at' ? toTime.ms : Math.max(0, effects.clock.nowMs() - toTime.ms)
}

/** Of one broker. Retry topics are their topic's: only what is skipped is skipped there too. */
async function queuesOf(
  { brokers }: Session,
  broker: BrokerAddress,
  group: string,
  { topic, queue, skip }: GroupResetOptions,
): Promise<QueueNow[]> {
  const { address } = broker
  const consumed = await brokers.consumeStats(address, group)
  const names = new Set(consumed.map((each) => each.topic))
  if (topic !== undefined) names.add(topic)
  const queues: QueueNow[] = []
  for (const name of names) {
    const isOfTopic = topic === undefined || name === topic
    const isOfRetries =
      skip === true && queue === undefined && (topic === undefined || realTopicOf(name, group) === topic)
    if (isRetryTopic(name) && name !== topic ? !isOfRetries : !isOfTopic) continue
    const positions = consumed.filter((each) => each.topic === name)
    for (const { queueId, minOffset, maxOffset } of (await brokers.topicStats(address, name)) ?? []) {
      if (queue !== undefined && queueId !== queue) continue
      const from = positions.find((each) => each.queueId === queueId)?.consumerOffset ?? null
      queues.push({ broker, topic: name, queueId, from, min: minOffset, max: maxOffset })
    }
  }
  return queues
}

async function resetsOf(
  queues: readonly QueueNow[],
  options: GroupResetOptions,
  offsetAtTime: (topic: string, queueId: number) => Promise<number>,
): Promise<QueueReset[]> {
  const resets: QueueReset[] = []
  for (const queue of queues) {
    const { topic, queueId, min, max } = queue
    if (options.toTime !== undefined) resets.push({ ...queue, to: await offsetAtTime(topic, queueId) })
    else resets.push({ ...queue, to: options.toOffset ?? (options.min === true ? min : max) })
  }
  return resets
}

function requireQueues(
  resets: readonly QueueReset[],
  { topic, queue, toOffset }: GroupResetOptions,
  group: string,
): void {
  if (resets.length === 0 && topic === undefined) {
    throw new CliFailure(
      'parameter-invalid',
      `group '${group}' has consumed nothing yet`,
      'To have it begin somewhere, name the topic: --topic.',
    )
  }
  if (resets.length === 0) {
    const what = queue === undefined ? `topic '${topic}'` : `queue ${queue} of topic '${topic}'`
    throw new CliFailure('topic-not-found', `no broker that has group '${group}' has ${what}`, 'See: rmq topic list')
  }
  if (toOffset === undefined) return
  if (resets.length > 1) {
    const names = resets.map(({ broker }) => broker.brokerName).join(', ')
    throw new CliFailure('usage', `queue ${queue} of '${topic}' is on ${names}`, 'Choose one with --broker.')
  }
  for (const { broker, min, max } of resets) {
    if (toOffset >= min && toOffset <= max) continue
    throw new CliFailure(
      'parameter-invalid',
      `--to-offset ${toOffset}: queue ${queue} of '${topic}' on ${broker.brokerName} holds ${min} to ${max}`,
      'Choose one of these; the last of them is behind the last message.',
    )
  }
}

/** Those that were done. What fails is named, and ends the work at its broker: nobody waits for each of its queues. */
async function resetAll(
  { printer }: Context,
  session: Session,
  group: string,
  resets: readonly QueueReset[],
): Promise<QueueReset[]> {
  const brokers = [...new Set(resets.map(({ broker }) => broker))]
  const done = await Promise.all(
    brokers.map(async (broker) => {
      const own = resets.filter((reset) => reset.broker === broker)
      for (const [index, { topic, queueId, to: offset }] of own.entries()) {
        try {
          await session.at(broker, (address) => session.brokers.resetOffset(address, { group, topic, queueId, offset }))
        } catch (error) {
          if (!(error instanceof CliFailure)) throw error
          const left = countText(own.length - index, 'queue')
          printer.warning(
            `${left} of ${broker.brokerName} not reset, from queue ${queueId} of '${topic}' on: ${error.message}`,
          )
          return own.slice(0, index)
        }
      }
      return own
    }),
  )
  return done.flat().sort(byQueue)
}

function byQueue(left: QueueNow, right: QueueNow): number {
  return (
    compareText(left.topic, right.topic) ||
    compareText(left.broker.brokerName, right.broker.brokerName) ||
    left.queueId - right.queueId
  )
}

/** How many messages come once more, and how many do not come. */
function effectOf(resets: readonly QueueReset[]): { readonly again: number; readonly skipped: number } {
  let again = 0
  let skipped = 0
  for (const { from, to } of resets) {
    again += Math.max(0, (from ?? to) - to)
    skipped += Math.max(0, to - (from ?? to))
  }
  return { again, skipped }
}

function effectText(resets: readonly QueueReset[]): string {
  const { again, skipped } = effectOf(resets)
  return `${countText(again, 'message')} again, ${skipped} skipped`
}

function documentOf(group: string, resets: readonly QueueReset[], { dryRun }: { readonly dryRun: boolean }) {
  const queues = resets.map(({ topic, broker, queueId, from, to, min, max }) => {
    return { topic, brokerName: broker.brokerName, queueId, from, to, minOffset: min, maxOffset: max }
  })
  return { group, dryRun, ...effectOf(resets), queues }
}

const COLUMNS = [
  { title: 'TOPIC' },
  { title: 'BROKER' },
  { title: 'QUEUE', align: 'right' },
  { title: 'FROM', align: 'right' },
  { title: 'TO', align: 'right' },
  { title: 'AGAIN', align: 'right' },
  { title: 'SKIPPED', align: 'right' },
] as const

function rowOf(reset: QueueReset) {
  const { again, skipped } = effectOf([reset])
  const { topic, broker, queueId, from, to } = reset
  return [topic, broker.brokerName, queueId, from ?? '-', to, again, skipped]
}
