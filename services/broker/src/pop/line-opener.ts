// Lines of queues by message group, where they are not in memory (after a start, or when the group's setting has changed): all
// live records are read first, some at a time, because only they tell the groups.
import type { QueueReader, UnitReader } from '@rocketmq-ts/store'
import type { Inflight, LinedMessage, QueueState } from '../inflight/inflight.ts'
import { LOOK_AHEAD_OFFSETS_MAX } from '../inflight/message-lines.ts'
import { isDamage } from './damage.ts'
import { createGroupHash, NO_GROUP } from './message-group-hash.ts'
import { locate } from './take-messages.ts'

/** Records that are read for one request before others have their turn. */
const READ_TOGETHER_MAX = 256

/** 'too-many': more messages are live than lines may have, so the queue is held up as a whole until some have left. */
export type OpenedLines = 'open' | 'too-many' | (() => Promise<void>)

export interface LineOpenerDeps {
  readonly inflight: Pick<Inflight, 'openLines' | 'liveOffsets'>
  readonly reader: QueueReader & UnitReader
}

/** Gives queues their lines; a function is what must be waited for first. */
export function createLineOpener({ inflight, reader }: LineOpenerDeps): (queue: QueueState) => OpenedLines {
  const groupOf = createGroupHash()
  const found = new WeakMap<QueueState, Map<number, LinedMessage>>()

  async function readOne(queue: QueueState, offset: number): Promise<LinedMessage> {
    const unit = await locate(reader, { queue, queueOffset: offset, attempt: 1, unit: undefined })
    if (unit === undefined) return { group: NO_GROUP, size: 0 }
    try {
      const bytes = await reader.readUnit(queue, unit)
      return { group: groupOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0), size: unit.size }
    } catch (error) {
      if (!isDamage(error)) throw error
      return { group: NO_GROUP, size: unit.size }
    }
  }

  async function readSome(queue: QueueState, offsets: readonly number[], known: Map<number, LinedMessage>) {
    for (const offset of offsets) known.set(offset, await readOne(queue, offset))
  }

  return (queue) => {
    if (queue.lines !== undefined) return 'open'
    const live = inflight.liveOffsets(queue)
    if (live.length > LOOK_AHEAD_OFFSETS_MAX) return 'too-many'
    const known = found.get(queue) ?? new Map<number, LinedMessage>()
    const unknown = live.filter((offset) => !known.has(offset))
    if (unknown.length > 0) {
      found.set(queue, known)
      return () => readSome(queue, unknown.slice(0, READ_TOGETHER_MAX), known)
    }
    const lines = inflight.openLines(queue, (offset) => known.get(offset))
    if (lines !== undefined) found.delete(queue)
    return lines === undefined ? 'too-many' : 'open'
  }
}
