// rmq dlq list: the newest dead letters of a group.
import { PropertyName } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { countText, timeText } from '../output/text.ts'
import {
  attemptsOf,
  deadLetterDocument,
  type DeadLetterOptions,
  deadLetterQueues,
  isResentOrUnknown,
  originTopicOf,
} from './dead-letters.ts'
import { type FoundCopy, idOfCopy, listedCopyOf } from './message-copies.ts'
import { keysOf } from './message-text.ts'
import { messagesIn, newestOf, readWindows } from './queue-window.ts'

export interface DlqListOptions extends DeadLetterOptions {
  readonly max: number
}

export async function dlqList(context: Context, options: DlqListOptions, group: string): Promise<number> {
  const { printer } = context
  const session = await context.session()
  const { brokers, windows, failed } = await deadLetterQueues(context, options, group)
  const all: FoundCopy[] = []
  for await (const { broker, records } of readWindows(session, newestOf(windows, options.max))) {
    const letters = records.map((record) => listedCopyOf(broker, record))
    all.push(...letters.filter((letter) => options.topic === undefined || originTopicOf(letter) === options.topic))
  }
  all.sort((left, right) => left.record.storeTimestampMs - right.record.storeTimestampMs)
  const letters = all.slice(-options.max)
  const rows: { readonly letter: FoundCopy; readonly resent: boolean | undefined }[] = []
  for (const letter of letters) rows.push({ letter, resent: await isResentOrUnknown(session, brokers, letter) })
  const total = messagesIn(windows)
  if (printer.isJson) {
    const deadLetters = rows.map(({ letter, resent }) => ({ ...deadLetterDocument(letter), resent: resent ?? null }))
    printer.document({ group, total, deadLetters })
  } else if (rows.length === 0)
    printer.line(`Group ${group} has no dead letters${isNarrow(options) ? ' of these' : ''}.`)
  else {
    printer.table(
      COLUMNS,
      rows.map(({ letter, resent }) => [
        timeText(letter.record.storeTimestampMs),
        originTopicOf(letter) ?? '-',
        idOfCopy(letter),
        letter.properties.get(PropertyName.TAGS) ?? '',
        keysOf(letter.properties).join(','),
        attemptsOf(letter),
        resent === undefined ? '?' : resent ? 'yes' : 'no',
      ]),
    )
    const rest = total - rows.length
    if (rest > 0) printer.remark(`the newest ones; ${countText(rest, 'more')} without --topic, --from, --to and --max`)
  }
  return failed ? ExitCode.FAILED : ExitCode.OK
}

function isNarrow({ topic, from, to }: DlqListOptions): boolean {
  return topic !== undefined || from !== undefined || to !== undefined
}

const COLUMNS = [
  { title: 'DEAD SINCE' },
  { title: 'TOPIC' },
  { title: 'ID' },
  { title: 'TAG' },
  { title: 'KEYS' },
  { title: 'ATTEMPTS', align: 'right' },
  { title: 'RESENT' },
] as const
