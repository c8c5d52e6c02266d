// rmq message query: which messages carry an id or a key, with every copy, at all brokers.
import { PropertyName } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { timeText } from '../output/text.ts'
import type { Scope } from '../session.ts'
import type { Moment } from '../values.ts'
import { copyDocument, findCopies, type FoundCopies, idOfCopy, kindText, placeText } from './message-copies.ts'
import { keysOf } from './message-text.ts'
import { noSuchTopic } from './topic-describe.ts'
import { windowOf } from './time-window.ts'

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
  if ((id === undefined) === (key === undefined)) {
    throw new CliFailure('usage', 'what to look for is not clear', 'Name one of --id <id> and --key <key>.')
  }
  const session = await context.session()
  const brokers = await session.masters(options)
  const window = windowOf(options, session.effects.clock.nowMs())
  const question = { topic, key: id ?? key ?? '', isUniqueKey: id !== undefined, ...window, max }
  const found = await findCopies(context, brokers, question)
  if (found.isUnknownTopic) throw noSuchTopic(topic)
  printFound(context, topic, found)
  return found.failed || found.copies.length === 0 ? ExitCode.FAILED : ExitCode.OK
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
  if (isCut) printer.warning('a broker stopped at a bound of its own: there may be more; narrow --from and --to')
}

const COLUMNS = [
  { title: 'STORED' },
  { title: 'ID' },
  { title: 'KIND' },
  { title: 'PLACE' },
  { title: 'TAG' },
  { title: 'KEYS' },
] as const
