// rmq message trace: what happened to a message, as a timeline over all its copies: from the copies themselves, and from
// the journals of their brokers.
import { isSystemGroup } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { millisecondsText, timeText } from '../output/text.ts'
import { findById, type MessageOptions } from './message-by-id.ts'
import { copyDocument, type FoundCopy, idOfCopy, placeText } from './message-copies.ts'
import { type Journey, journeysOf } from './message-journey.ts'
import { mainOf, senderOf, topicOf } from './message-show.ts'
import { eventWords, stateWords, storedWords } from './message-words.ts'

export interface MessageTraceOptions extends MessageOptions {
  readonly readMax: number
}

interface Line {
  readonly atMs: number
  readonly event: string
  readonly text: string
  readonly group?: string | undefined
  readonly client?: string | undefined
  readonly untilMs?: number | undefined
  readonly copy?: FoundCopy
}

export async function messageTrace(context: Context, options: MessageTraceOptions, id: string): Promise<number> {
  const { printer, host } = context
  const found = await findById(context, options, id)
  const main = mainOf(found.copies)
  const { journeys, failed } = await journeysOf(context, found.copies, options.readMax)
  const lines = [sentLine(main), ...journeys.flatMap(linesOf)]
  lines.sort((left, right) => left.atMs - right.atMs)
  if (printer.isJson) {
    printer.document({
      messageId: idOfCopy(main),
      topic: topicOf(main),
      copies: journeys.map(({ copy, states, readToMs }) => ({
        ...copyDocument(copy),
        groups: states ?? null,
        readToMs: readToMs ?? null,
      })),
      events: lines.map(({ copy, ...line }) => ({ ...line, ...(copy !== undefined && { place: placeText(copy) }) })),
    })
  } else print(context, main, lines, journeys)
  for (const journey of journeys) warnOfRest(context, journey)
  if (host.interrupted.aborted) return ExitCode.INTERRUPTED
  return found.failed || failed ? ExitCode.FAILED : ExitCode.OK
}

/** By the clock of the client. */
function sentLine(main: FoundCopy): Line {
  const sender = senderOf(main)
  return { atMs: main.record.bornTimestampMs, event: 'sent', text: 'sent', client: sender }
}

function linesOf({ copy, events }: Journey): Line[] {
  const stored = {
    atMs: copy.record.storeTimestampMs,
    event: 'stored',
    text: storedWords(copy),
    group: copy.group,
    copy,
  }
  const rest = events.map((event, index) => {
    const before = events.slice(0, index).filter(({ group }) => group === event.group)
    const { kind, group, atMs, untilMs, client } = event
    return { atMs, event: kind, text: eventWords(event, copy.kind, before), group, client, untilMs, copy }
  })
  return [stored, ...rest]
}

function print({ printer }: Context, main: FoundCopy, lines: readonly Line[], journeys: readonly Journey[]): void {
  printer.fields([
    ['Message', idOfCopy(main)],
    ['Topic', topicOf(main)],
  ])
  printer.line()
  const startMs = lines[0]?.atMs ?? 0
  printer.table(
    COLUMNS,
    lines.map(({ atMs, text, group = '', client = '', untilMs }) => [
      `${timeText(atMs).slice(0, -1)}.${String(atMs % 1000).padStart(3, '0')}Z`,
      `+${millisecondsText(atMs - startMs)}`,
      text + (untilMs === undefined ? '' : ` until ${timeText(untilMs)}`),
      isSystemGroup(group) ? '' : group,
      client,
    ]),
  )
  const now = journeys.flatMap((journey) =>
    (journey.states ?? [])
      .filter(({ state }) => state !== 'settled')
      .map((state) => `${placeText(journey.copy)}  ${stateWords(state, journey)}`),
  )
  if (now.length === 0) return
  printer.line()
  for (const line of now) printer.line(`Now: ${line}`)
}

function warnOfRest({ printer }: Context, { copy, readToMs }: Journey): void {
  if (readToMs === undefined) return
  printer.warning(
    `of ${placeText(copy)} the journal was read up to ${timeText(readToMs)}: give it more with --read-max`,
  )
}

const COLUMNS = [
  { title: 'TIME' },
  { title: 'AFTER', align: 'right' },
  { title: 'EVENT' },
  { title: 'GROUP' },
  { title: 'CLIENT' },
] as const
