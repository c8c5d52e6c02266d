// Adds keys that the index lacks from the log: at a start those behind what its files cover, later those that were dropped
// while the disk had no room for them. Messages that are stored meanwhile wait for their turn, so entries stay in order.
import { MqError } from '@rocketmq-ts/model'
import { topicOf } from '../record-fields.ts'
import { type LogSource, scanLog } from '../recovery.ts'
import type { IndexPlace } from './index-place.ts'
import type { KeyIndex } from './key-index.ts'

export interface ReadKeysOptions {
  readonly source: Omit<LogSource, 'end'>
  /** A border of records. */
  readonly from: number
  readonly end: number
  /** Keys of the record at `from` that the files have. */
  readonly skip?: number
  /** Awaited between two reads; what it rejects with ends the reading. */
  readonly onWindow?: () => void
}

/** Adds the keys of the records in [from, end); resolves with how many. Rejects for want of space only when too many wait. */
export async function readKeys(index: KeyIndex, options: ReadKeysOptions): Promise<number> {
  const { source, from, end, skip = 0 } = options
  let added = 0
  await scanLog({
    source: { ...source, end },
    from,
    provenFlushed: end,
    // Whether a record counts was decided before; keys are compared with it when it is found.
    foreignFrom: 0,
    cleanStop: true,
    onRecord({ bytes, position, peek }) {
      const properties = bytes.subarray(peek.propertiesAt, peek.propertiesAt + peek.propertiesLength)
      const record = { topic: topicOf(bytes, peek), sysFlag: peek.sysFlag, properties }
      added += index.addRead(record, position, peek.storeTimestampMs, position === from ? skip : 0)
      return true
    },
    onWindow: async () => {
      options.onWindow?.()
      await index.persistRead()
    },
  })
  return added
}

export interface CatchUpOptions {
  readonly index: KeyIndex
  readonly source: Omit<LogSource, 'end'>
  readonly log: {
    readonly min: number
    readonly written: number
    whenFlushed(position: number): Promise<void>
  }
}

/** Completes an index beside the Turns. */
export interface CatchUp {
  /** Begins, where the index lacks keys and may have room for them again. Ask now and then. */
  begin(): void
  /** Ends what runs, and no more begins: what the index still lacks is read at the next start. */
  stop(): Promise<void>
}

/** Creates the completion of one store's index. */
export function createCatchUp({ index, source, log }: CatchUpOptions): CatchUp {
  let running: Promise<void> | undefined
  let stopped = false

  function checkStopped(): void {
    if (stopped) throw new MqError('closed', 'the store is closed')
  }

  async function run({ from, skip }: IndexPlace, end: number): Promise<void> {
    try {
      // Entries of records that a power loss may take would make their file one that is ahead of the log.
      await log.whenFlushed(end)
      checkStopped()
      const kept = { from: Math.max(from, log.min), skip: from < log.min ? 0 : skip }
      await readKeys(index, { source, ...kept, end, onWindow: checkStopped })
      index.endCatchUp()
    } catch (error) {
      index.breakCatchUp(error)
    }
  }

  return {
    begin() {
      if (stopped || running !== undefined) return
      const end = log.written
      const place = index.beginCatchUp(end)
      if (place === undefined) return
      running = run(place, end).finally(() => {
        running = undefined
      })
    },
    async stop() {
      stopped = true
      await running
    },
  }
}
