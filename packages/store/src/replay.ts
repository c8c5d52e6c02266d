// Re-reads the records of one topic in the order of the log, by way of its queues: other topics cost nothing.
import { type CommitLogOffset, createRecordPeek, peekRecord } from '@rocketmq-ts/model'
import type { Scheduler } from '@rocketmq-ts/runtime'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'
import type { QueueRepair } from './consume-queue/queue-repair.ts'
import type { UnitReads } from './consume-queue/unit-reads.ts'
import { unitAtPosition, unitFrom } from './consume-queue/unit-search.ts'
import type { ReplayedRecord, Unit } from './message-store.ts'

/** Record bytes between two pauses, in which other work runs. */
const BYTES_PER_PAUSE = 1024 * 1024

export interface ReplayOptions {
  readonly scheduler: Scheduler
  readonly repair: Pick<QueueRepair, 'loadPatiently'>
  readonly reader: Pick<UnitReads, 'readPatiently' | 'isBorderRight'>
  readonly queues: readonly ConsumeQueue[]
  readonly from: CommitLogOffset
  readonly sink: (record: ReplayedRecord) => void
}

/** A place in one queue. `unit` is undefined at its end. */
interface Cursor {
  readonly queue: ConsumeQueue
  readonly end: number
  /** Records in front were handed over, or are not wanted. */
  position: number
  unit: Unit | undefined
}

function earliest(cursors: readonly Cursor[]): Cursor | undefined {
  let first: Cursor | undefined
  for (const cursor of cursors) {
    if (cursor.unit === undefined) continue
    if (first?.unit === undefined || cursor.unit.commitLogOffset < first.unit.commitLogOffset) first = cursor
  }
  return first
}

/** See MessageStore.replay. What the sink throws ends the replay. */
export async function replayRecords(options: ReplayOptions): Promise<void> {
  const { scheduler, reader, repair, from, sink } = options
  const files = { load: repair.loadPatiently }
  const peek = createRecordPeek()
  const cursors: Cursor[] = []
  for (const queue of options.queues) {
    const cursor: Cursor = { queue, end: queue.max, position: from, unit: undefined }
    cursors.push(cursor)
    await find(cursor)
  }
  let unpaused = 0
  for (let cursor = earliest(cursors); cursor?.unit !== undefined; cursor = earliest(cursors)) {
    const { unit, queue } = cursor
    const read = await reader.readPatiently(queue, unit)
    if (read.kind === 'mended') {
      await find(cursor)
      continue
    }
    if (read.kind === 'record') {
      const { bytes } = read
      peekRecord(bytes, 0, peek)
      const { storeTimestampMs } = peek
      sink({ ...unit, topic: queue.topic, queueId: queue.queueId, storeTimestampMs, bytes })
    }
    cursor.position = unit.commitLogOffset + unit.size
    cursor.unit = await unitFrom(files, cursor, unit.queueOffset + 1)
    unpaused += unit.size
    if (unpaused >= BYTES_PER_PAUSE) {
      unpaused = 0
      await new Promise<void>((resolve) => scheduler.soon(resolve))
    }
  }

  async function find(cursor: Cursor): Promise<void> {
    const { queue, end, position } = cursor
    do cursor.unit = await unitAtPosition(files, cursor, position)
    while (!(await reader.isBorderRight(queue, cursor.unit?.queueOffset ?? end)))
  }
}
