// Small files that a start writes before anything else changes the folder: the abort marker, the flushed mark, whose the
// folder is. A full disk keeps no start from happening: they wait, in order, and nothing is written to the log before them.
import type { Logger } from '@rocketmq-ts/runtime'
import { isNoSpace } from './commit-log/disk-reserve.ts'
import type { LogWriter } from './commit-log/log-writer.ts'
import type { StoreEvent } from './events.ts'
import { withFastAccessors } from './fast-accessors.ts'

export interface StartNotes {
  /** What finds no room may wait: a start with a reserve gives that up first. */
  readonly mayWait: boolean
  /** Why some are not written yet; undefined when all are. */
  readonly waitsFor: Error | undefined
  /** Writes one, behind those that wait. Rejects with what is no full disk, or may not wait. */
  add(file: string, write: () => Promise<void>): Promise<void>
  /** Writes what waits. Rejects while there still is no room. */
  writeWaiting(): Promise<void>
}

/** Creates the notes of one start. */
export function createStartNotes(logger: Logger<StoreEvent>, mayWait: boolean): StartNotes {
  const waiting: (() => Promise<void>)[] = []
  let waitsFor: Error | undefined
  let running: Promise<void> | undefined

  async function writeAll(): Promise<void> {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      await next()
      waiting.shift()
    }
    waitsFor = undefined
  }

  return withFastAccessors({
    mayWait,
    get waitsFor() {
      return waitsFor
    },
    async add(file, write) {
      if (waitsFor === undefined) {
        try {
          await write()
          return
        } catch (error) {
          if (!mayWait || !isNoSpace(error)) throw error
          waitsFor = error
        }
      }
      logger.warn({ event: 'store.note-waits', file, message: waitsFor.message })
      waiting.push(write)
    },
    writeWaiting() {
      running ??= writeAll().finally(() => {
        running = undefined
      })
      return running
    },
  })
}

/** A writer of the log that writes the notes first. */
export function behindNotes(writer: LogWriter, notes: StartNotes): LogWriter {
  return {
    submit(batch) {
      if (notes.waitsFor === undefined) return writer.submit(batch)
      return notes.writeWaiting().then(() => writer.submit(batch))
    },
  }
}
