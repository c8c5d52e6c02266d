// What a pop answer tells of its messages: lists of `flag queueId value`, joined with ';'. One entry per topic kind and
// queue; readers at both ends refuse a second one. Java: ExtraInfoUtil.
import { queueOffset, type QueueOffset } from './ids.ts'
import { MqError } from './mq-error.ts'
import { popTopicFlag, popTopicKind, type PopTopicKind } from './receipt-handle.ts'

/** Most entries, and most offsets of one entry, that are read. */
export const POP_INFO_ENTRIES_MAX = 4096

export interface PopQueue {
  readonly topicKind: PopTopicKind
  readonly queueId: number
}

/** `startOffsetInfo`: where the popped batch of a queue starts; the identity of its handles. */
export interface PopStartOffset extends PopQueue {
  readonly startOffset: QueueOffset
}

/** `msgOffsetInfo`: offsets of the messages of a queue, ascending, in the order of the body. */
export interface PopMessageOffsets extends PopQueue {
  readonly queueOffsets: readonly QueueOffset[]
}

/** `orderCountInfo`: how often a message in order (or a whole queue, without an offset) was delivered before. */
export interface PopOrderCount extends PopQueue {
  readonly queueOffset?: QueueOffset
  readonly consumeTimes: number
}

export function formatStartOffsetInfo(entries: readonly PopStartOffset[]): string {
  return entries.map((entry) => `${formatQueue(entry)} ${entry.startOffset}`).join(';')
}

export function formatMessageOffsetInfo(entries: readonly PopMessageOffsets[]): string {
  return entries.map((entry) => `${formatQueue(entry)} ${entry.queueOffsets.join(',')}`).join(';')
}

export function formatOrderCountInfo(entries: readonly PopOrderCount[]): string {
  return entries
    .map(({ topicKind, queueId, queueOffset: offset, consumeTimes }) => {
      const place = offset === undefined ? `${queueId}` : `qo${queueId}%${offset}`
      return `${popTopicFlag(topicKind)} ${place} ${consumeTimes}`
    })
    .join(';')
}

/** MqError 'protocol' names what is wrong. Empty text has no entries. */
export function parseStartOffsetInfo(text: string): PopStartOffset[] {
  return entriesOf(text, 'startOffsetInfo').map(([flag, queueId, offset]) => ({
    topicKind: kindOf(flag, 'startOffsetInfo'),
    queueId: natural(queueId, 'startOffsetInfo'),
    startOffset: queueOffset(natural(offset, 'startOffsetInfo')),
  }))
}

/** MqError 'protocol' names what is wrong. Empty text has no entries. */
export function parseMessageOffsetInfo(text: string): PopMessageOffsets[] {
  return entriesOf(text, 'msgOffsetInfo').map(([flag, queueId, offsets]) => {
    const list = offsets.split(',', POP_INFO_ENTRIES_MAX + 1)
    if (list.length > POP_INFO_ENTRIES_MAX)
      throw wrong('msgOffsetInfo', `has more than ${POP_INFO_ENTRIES_MAX} offsets`)
    return {
      topicKind: kindOf(flag, 'msgOffsetInfo'),
      queueId: natural(queueId, 'msgOffsetInfo'),
      queueOffsets: list.map((offset) => queueOffset(natural(offset, 'msgOffsetInfo'))),
    }
  })
}

/** MqError 'protocol' names what is wrong. Empty text has no entries. */
export function parseOrderCountInfo(text: string): PopOrderCount[] {
  return entriesOf(text, 'orderCountInfo').map(([flag, place, count]) => {
    const topicKind = kindOf(flag, 'orderCountInfo')
    const consumeTimes = natural(count, 'orderCountInfo')
    if (!place.startsWith('qo')) return { topicKind, queueId: natural(place, 'orderCountInfo'), consumeTimes }
    const [queueId = '', offset = '', ...rest] = place.slice(2).split('%')
    if (rest.length > 0) throw wrong('orderCountInfo', 'has a place that is not qo<queueId>%<offset>')
    return {
      topicKind,
      queueId: natural(queueId, 'orderCountInfo'),
      queueOffset: queueOffset(natural(offset, 'orderCountInfo')),
      consumeTimes,
    }
  })
}

function formatQueue({ topicKind, queueId }: PopQueue): string {
  return `${popTopicFlag(topicKind)} ${queueId}`
}

function entriesOf(text: string, field: string): [string, string, string][] {
  if (text === '') return []
  const places = new Set<string>()
  const entries = text.split(';', POP_INFO_ENTRIES_MAX + 1)
  if (entries.length > POP_INFO_ENTRIES_MAX) throw wrong(field, `has more than ${POP_INFO_ENTRIES_MAX} entries`)
  return entries.map((entry) => {
    const [flag, place, value, ...rest] = entry.split(' ', 4)
    if (flag === undefined || place === undefined || value === undefined || rest.length > 0) {
      throw wrong(field, 'has an entry of other than three parts')
    }
    if (places.has(`${flag} ${place}`)) throw wrong(field, `names the queue '${place.slice(0, 32)}' twice`)
    places.add(`${flag} ${place}`)
    return [flag, place, value]
  })
}

function kindOf(flag: string, field: string): PopTopicKind {
  const kind = popTopicKind(flag)
  if (kind === undefined) throw wrong(field, 'has a topic flag that is not 0, 1 or 2')
  return kind
}

function natural(text: string, field: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value)) throw wrong(field, `has '${text.slice(0, 32)}' where a number is expected`)
  return value
}

function wrong(field: string, reason: string): MqError {
  return new MqError('protocol', `${field}: ${reason}`)
}
