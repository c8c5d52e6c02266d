// Builds the index of delayed messages again while the broker runs, where its files are not what was written. The log says
// everything. What is sent meanwhile enters the index as always; nothing is delivered, recalled or moved until it is whole.
import { MqError, commitLogOffset } from '@rocketmq-ts/model'
import { FileError, type Logger, type Scheduler } from '@rocketmq-ts/runtime'
import type { MessageStore, TimerFiles, TimerIndex } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import { SECOND_MS } from '../limits.ts'
import { firstDelayed } from './restore-timers.ts'
import { type LevelOffsets, replayTimerRecord } from './timer-records.ts'

/** Where the log can not be read, it is begun again after this time. */
const RETRY_MS = 10 * SECOND_MS

export interface RebuildDeps {
  readonly index: TimerIndex
  readonly levels: LevelOffsets
  readonly files: TimerFiles
  readonly store: Pick<MessageStore, 'queues' | 'scan' | 'bounds' | 'walk' | 'min' | 'appended'>
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  /** Runs a job in a Turn; resolves when the Turn is written. */
  readonly inTurn: <Result>(job: () => Result) => Promise<Result>
  readonly isStopped: () => boolean
  /** Resolves when nothing is under way that began before. */
  readonly settled: () => Promise<void>
  /** The index is whole again, or the broker stops. */
  readonly done: () => void
}

export interface Rebuild {
  /** Counts beginnings and ends: odd while the index does not have everything. */
  readonly builds: number
  readonly isUnderWay: boolean
  /** Files of the index are not what was written. */
  begin(error: Error): void
  /** The job, which throws MqError 'busy' while the index does not have everything. */
  whole<Result>(job: () => Result): () => Result
  /** Resolves when nothing is read any more. */
  stop(): Promise<void>
}

/** Creates it; nothing is read before `begin`. */
export function createRebuild(deps: RebuildDeps): Rebuild {
  const { files, index, logger, scheduler, isStopped } = deps
  let builds = 0
  let running: Promise<void> | undefined
  let endWait: (() => void) | undefined

  async function run(): Promise<void> {
    await deps.settled()
    while (!isStopped()) {
      try {
        await files.giveUp()
        await buildOnce(deps)
        builds += 1
        logger.info({ event: 'timer.index-rebuilt', pending: index.pending })
        return
      } catch (error) {
        if (!(error instanceof MqError || error instanceof FileError)) throw error
        if (isStopped()) return
        logger.error({ event: 'timer.index-damaged', message: error.message })
        await new Promise<void>((resolve) => {
          endWait = resolve
          scheduler.after(RETRY_MS, resolve)
        })
      }
    }
  }

  return {
    get builds() {
      return builds
    },
    get isUnderWay() {
      return running !== undefined
    },
    begin(error) {
      if (isStopped() || running !== undefined) return
      logger.error({ event: 'timer.index-damaged', message: error.message })
      builds += 1
      running = run().finally(() => {
        running = undefined
        deps.done()
      })
    },
    whole: (job) => () => {
      if (running === undefined) return job()
      throw new MqError('busy', 'delayed messages are looked up in the log; try again later')
    },
    async stop() {
      endWait?.()
      await running
    },
  }
}

/** Rejects with MqError or FileError where the log can not be read, and with 'busy' at a stop: the index has not everything. */
async function buildOnce({ index, levels, store, inTurn, isStopped }: RebuildDeps): Promise<void> {
  await index.idle()
  const end = await inTurn(() => {
    index.clear()
    return store.appended
  })
  const from = await firstDelayed({ store })
  if (from !== undefined) {
    await store.walk(
      commitLogOffset(from),
      (record) => {
        if (record.position < end) replayTimerRecord(index, levels, record)
      },
      async () => {
        if (isStopped()) throw new MqError('busy', 'the broker stops')
        await index.replayPause()
      },
    )
  }
  await index.replayed()
}
