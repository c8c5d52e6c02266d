// Re-reads the records of one topic in the order of the log, by way of its queues: other topics cost nothing.
import { type CommitLogOffset, createRecordPeek, MqError, peekRecord } from '@rocketmq-ts/model'
import type { Scheduler } from '@rocketmq-ts/runtime'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'
import type { QueueFiles } from './consume-queue/queue-files.ts'
import { unitAtPosition, unitFrom } from './consume-queue/unit-search.ts'
import type { RecordReader, ReplayedRecord, Unit } from './message-store.ts'

/** Record bytes between two pauses, in which other work runs. */
const BYTES_PER_PAUSE = 1024 * 1024

export interface ReplayOptions {
  readonly scheduler: Scheduler
  readonly queueFiles: QueueFiles
  readonly reader: RecordReader
  readonly queues: readonly ConsumeQueue[]
  readonly from: CommitLogOffset
  readonly sink: (record: ReplayedRecord) => void
}

/** A place in one queue. `unit` is undefined at its end. */
interface Cursor {
  readonly queue: ConsumeQueue
  readonly end: number
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

async function readUndamaged(reader: RecordReader, unit: Unit): Promise<Uint8Array | undefined> {
  try {
    return await reader.read(unit.commitLogOffset, unit.size)
  } catch (error) {
    if (error instanceof MqError && error.code === 'damaged') return undefined
    throw error
  }
}

/** See MessageStore.replay. What the sink throws ends the replay. */
export async function replayRecords(options: ReplayOptions): Promise<void> {
  const { scheduler, queueFiles, reader, from, sink } = options
  const peek = createRecordPeek()
  const cursors: Cursor[] = options.queues.map((queue) => ({ queue, end: queue.max, unit: undefined }))
  for (const cursor of cursors) cursor.unit = await unitAtPosition(queueFiles, cursor, from)
  let unpaused = 0
  for (let cursor = earliest(cursors); cursor?.unit !== undefined; cursor = earliest(cursors)) {
    const { unit, queue } = cursor
    const bytes = await readUndamaged(reader, unit)
    if (bytes !== undefined) {
      peekRecord(bytes, 0, peek)
      const { storeTimestampMs } = peek
      sink({ ...unit, topic: queue.topic, queueId: queue.queueId, storeTimestampMs, bytes })
    }
    cursor.unit = await unitFrom(queueFiles, cursor, unit.queueOffset + 1)
    unpaused += unit.size
    if (unpaused >= BYTES_PER_PAUSE) {
      unpaused = 0
      await new Promise<void>((resolve) => scheduler.soon(resolve))
    }
  }
}
