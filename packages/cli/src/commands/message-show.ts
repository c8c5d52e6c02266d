// rmq message show: one message, its copies, and where each is for each group.
import assert from 'node:assert'
import { PropertyName } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { timeText } from '../output/text.ts'
import { bodyFields, bodyHex, bodyText } from './message-body.ts'
import { findById, type MessageOptions } from './message-by-id.ts'
import { copyDocument, type FoundCopy, idOfCopy, kindText, placeText } from './message-copies.ts'
import { type Journey, journeysOf } from './message-journey.ts'
import { keysOf, userPropertiesOf } from './message-text.ts'
import { stateWords } from './message-words.ts'

export interface MessageShowOptions extends MessageOptions {
  readonly hex?: boolean
}

/** Of the journal, per copy: how a group ended with the message is usually told soon behind it. */
const JOURNAL_BYTES_MAX = 4 * 1024 * 1024

export async function messageShow(context: Context, options: MessageShowOptions, id: string): Promise<number> {
  const { printer } = context
  const found = await findById(context, options, id)
  const main = mainOf(found.copies)
  const { journeys, failed } = await journeysOf(context, found.copies, JOURNAL_BYTES_MAX)
  if (printer.isJson) printer.document(documentOf(main, journeys))
  else print(context, main, journeys, options.hex === true)
  return found.failed || failed ? ExitCode.FAILED : ExitCode.OK
}

/** The copy that consumers got, where there is one. */
export function mainOf(copies: readonly FoundCopy[]): FoundCopy {
  const [first] = copies
  assert(first !== undefined, 'a message that was found has a copy')
  return copies.find(({ kind }) => kind === 'message') ?? copies.find(({ kind }) => kind !== 'recall') ?? first
}

/** The topic that the message was sent to. */
export function topicOf({ record, properties }: FoundCopy): string {
  const { DLQ_ORIGIN_TOPIC, REAL_TOPIC, RETRY_TOPIC } = PropertyName
  return properties.get(DLQ_ORIGIN_TOPIC) ?? properties.get(REAL_TOPIC) ?? properties.get(RETRY_TOPIC) ?? record.topic
}

/** Who sent it: as the client named its machine, else whoever was connected. */
export function senderOf({ record, properties }: FoundCopy): string {
  return properties.get(PropertyName.BORN_HOST) ?? `${record.bornHost.host}:${record.bornHost.port}`
}

function documentOf(main: FoundCopy, journeys: readonly Journey[]) {
  const { record, properties } = main
  return {
    messageId: idOfCopy(main),
    topic: topicOf(main),
    tag: properties.get(PropertyName.TAGS),
    keys: keysOf(properties),
    ...(main.kind === 'dead' && { attempts: record.reconsumeTimes + 1 }),
    bornMs: record.bornTimestampMs,
    bornHost: senderOf(main),
    properties: userPropertiesOf(properties),
    systemProperties: systemPropertiesOf(properties),
    copies: journeys.map(({ copy, states }) => ({ ...copyDocument(copy), groups: states ?? null })),
    ...bodyFields(record),
  }
}

function systemPropertiesOf(properties: ReadonlyMap<string, string>): Record<string, string> {
  const own = userPropertiesOf(properties)
  return Object.fromEntries([...properties].filter(([name]) => !Object.hasOwn(own, name)))
}

function print({ printer }: Context, main: FoundCopy, journeys: readonly Journey[], isHex: boolean): void {
  const { record, properties } = main
  const tag = properties.get(PropertyName.TAGS)
  const keys = keysOf(properties)
  printer.fields([
    ['Message', idOfCopy(main)],
    ['Topic', topicOf(main)],
    ...(tag === undefined ? [] : [['Tag', tag] as const]),
    ...(keys.length === 0 ? [] : [['Keys', keys.join(', ')] as const]),
    ...(main.kind === 'dead' ? [['Attempts', record.reconsumeTimes + 1] as const] : []),
    ['Sent', `${timeText(record.bornTimestampMs)} by ${senderOf(main)}`],
    ...Object.entries(userPropertiesOf(properties)).map(([name, value]) => [`- ${name}`, value] as const),
    ['Body', `${record.body.length} bytes`],
  ])
  printer.line()
  printer.table(
    COLUMNS,
    journeys.flatMap((journey) => {
      const { copy } = journey
      const facts = [kindText(copy), placeText(copy), timeText(copy.record.storeTimestampMs)]
      const states = journey.states?.map((state) => stateWords(state, journey)) ?? ['not known']
      const [first = copy.kind === 'message' ? 'no group consumes it yet' : '', ...rest] = states
      return [[...facts, first], ...rest.map((state) => ['', '', '', state])]
    }),
  )
  printer.line()
  printer.line(isHex ? bodyHex(record) : bodyText(record))
}

const COLUMNS = [{ title: 'KIND' }, { title: 'PLACE' }, { title: 'STORED' }, { title: 'STATE' }] as const
