// rmq message query: which messages carry an id or a key, with every copy, or were stored in a time; at all brokers.
import { PropertyName } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { timeText } from '../output/text.ts'
import type { BrokerAddress, Scope } from '../session.ts'
import type { Moment } from '../values.ts'
import { askAll } from './ask-all.ts'
import {
  byTime,
  copyDocument,
  findCopies,
  type FoundCopies,
  type FoundCopy,
  idOfCopy,
  kindText,
  listedCopyOf,
  placeText,
} from './message-copies.ts'
import { keysOf } from './message-text.ts'
import { messagesIn, newestOf, readWindows, windowsOf } from './queue-window.ts'
import { type TimeWindow, windowOf } from './time-window.ts'
import { noSuchTopic } from './topic-describe.ts'

export interface MessageQueryOptions extends Scope {
  readonly topic: string
  readonly id?: string
  readonly key?: string
  readonly from?: Moment
  readonly to?: Moment
  readonly max: number
}

export async function messageQuery(context: Context, options: MessageQueryOptions): Promise<number> {
  const { topic, id, key, max } = options
  if ((id === undefined) === (key === undefined) && (id !== undefined || (options.from ?? options.to) === undefined)) {
    const remedy = 'Name one of --id <id> and --key <key>, or a time with --from and --to.'
    throw new CliFailure('usage', 'what to look for is not clear', remedy)
  }
  const session = await context.session()
  const brokers = await session.masters(options)
  const window = windowOf(options, session.effects.clock.nowMs())
  const word = id ?? key
  const found =
    word === undefined
      ? await findInTime(context, brokers, topic, window, max)
      : await findCopies(context, brokers, { topic, key: word, isUniqueKey: id !== undefined, ...window, max })
  if (found.isUnknownTopic) throw noSuchTopic(topic)
  printFound(context, topic, found)
  return found.failed || found.copies.length === 0 ? ExitCode.FAILED : ExitCode.OK
}

/** The newest ones of the window, of all queues together. */
async function findInTime(
  context: Context,
  brokers: readonly BrokerAddress[],
  topic: string,
  window: TimeWindow,
  max: number,
): Promise<FoundCopies> {
  const session = await context.session()
  const { answers, failed } = await askAll(context, brokers, (_, broker) => windowsOf(session, broker, topic, window))
  const windows = answers.flatMap(({ value }) => value ?? [])
  const copies: FoundCopy[] = []
  for await (const { broker, records } of readWindows(session, newestOf(windows, max))) {
    copies.push(...records.map((record) => listedCopyOf(broker, record)))
  }
  return {
    copies: copies.sort(byTime).slice(-max),
    isCut: messagesIn(windows) > max,
    isUnknownTopic: answers.every(({ value }) => value === undefined),
    failed,
  }
}

function printFound({ printer }: Context, topic: string, { copies, isCut, failed }: FoundCopies): void {
  if (printer.isJson) printer.document({ topic, messages: copies.map(copyDocument), cut: isCut })
  else if (copies.length > 0) {
    printer.table(
      COLUMNS,
      copies.map((copy) => [
        timeText(copy.record.storeTimestampMs),
        idOfCopy(copy),
        kindText(copy),
        placeText(copy),
        copy.properties.get(PropertyName.TAGS) ?? '',
        keysOf(copy.properties).join(','),
      ]),
    )
  }
  if (copies.length === 0) {
    printer.remark(
      `no message of ${topic} found${failed ? ' at the brokers that answered' : ''}: it may be expired, or never ` +
        'have been stored',
    )
  }
  if (isCut) printer.warning('these are the newest ones: there may be more; narrow --from and --to')
}

const COLUMNS = [
  { title: 'STORED' },
  { title: 'ID' },
  { title: 'KIND' },
  { title: 'PLACE' },
  { title: 'TAG' },
  { title: 'KEYS' },
] as const
