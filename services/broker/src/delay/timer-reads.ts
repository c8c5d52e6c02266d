// Reads the records of delayed messages. What is damaged is told from what the disk does not give back now: of that, only
// what retention is to take counts as damaged, and only after many tries.
import { commitLogOffset } from '@rocketmq-ts/model'
import { FileError } from '@rocketmq-ts/runtime'
import type { MessageStore, TimerEntry } from '@rocketmq-ts/store'
import { isDamage } from '../pop/damage.ts'

/** A record that the disk does not give back is asked for so many times. */
const READ_FAILURES_MAX = 30

/** A record that was read; bytes are undefined where it is damaged. */
export interface TimerRead {
  readonly entry: TimerEntry
  readonly bytes: Uint8Array | undefined
}

/** Creates the reads of one store. */
export function createTimerReads(store: Pick<MessageStore, 'read'>) {
  /** Of the entry that is due first. */
  let readFailures = 0
  /** One bad sector must not keep the whole log. */
  let leavingFailures = 0

  async function readOne(entry: TimerEntry): Promise<TimerRead> {
    try {
      const bytes = await store.read(commitLogOffset(entry.position), entry.size)
      return { entry, bytes }
    } catch (error) {
      if (!isDamage(error)) throw error
      return { entry, bytes: undefined }
    }
  }

  /** In order; most are in the page cache. */
  async function read(entries: readonly TimerEntry[]): Promise<TimerRead[]> {
    const reads: TimerRead[] = []
    for (const entry of entries) reads.push(await readOne(entry))
    return reads
  }

  async function readLeaving(entries: readonly TimerEntry[]): Promise<TimerRead[]> {
    const reads: TimerRead[] = []
    for (const entry of entries) {
      try {
        reads.push(await readOne(entry))
      } catch (error) {
        leavingFailures += error instanceof FileError ? 1 : 0
        if (leavingFailures <= READ_FAILURES_MAX) throw error
        reads.push({ entry, bytes: undefined })
      }
    }
    leavingFailures = 0
    return reads
  }

  /** Those in front of one that the disk does not give back; 'unreadable' when that is the first one, and for long. */
  async function readDue(entries: readonly TimerEntry[]): Promise<readonly TimerRead[] | 'unreadable'> {
    const reads: TimerRead[] = []
    try {
      for (const entry of entries) reads.push(await readOne(entry))
      readFailures = 0
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      if (reads.length > 0) return reads
      readFailures += 1
      if (readFailures <= READ_FAILURES_MAX) throw error
      readFailures = 0
      return 'unreadable'
    }
    return reads
  }

  return { read, readLeaving, readDue }
}
