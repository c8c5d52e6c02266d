// The timer index as the log proves it: the newest image that can be used, then every record behind it. Without one, from
// the first delayed message that the log still has.
import { MqError, SystemTopic, commitLogOffset, queueOffset } from '@rocketmq-ts/model'
import type { Files, Logger, Scheduler } from '@rocketmq-ts/runtime'
import {
  type MessageStore,
  type OpenedTimers,
  TimerFiles,
  type TimerIndex,
  type TimerIndexLimits,
} from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import { isDamage } from '../pop/damage.ts'
import { TimerProgress } from './apache-progress.ts'
import { LevelOffsets, replayTimerRecord } from './timer-records.ts'

export interface RestoredTimers {
  readonly index: TimerIndex
  readonly files: TimerFiles
  readonly levels: LevelOffsets
  readonly progress: TimerProgress
  /** There were delayed messages before: images are worth their writes. */
  isUsed: boolean
  /** Records in front of it were taken over from another broker: they may be older than their topics. */
  adoptedTo: number
}

/** What an image says beside the index. */
export interface TimerNote {
  readonly levels: LevelOffsets['all']
  readonly adoptedTo: number
}

export interface RestoreTimersDeps {
  readonly files: Files
  readonly root: string
  readonly store: Pick<
    MessageStore,
    'recovery' | 'min' | 'queues' | 'scan' | 'bounds' | 'walk' | 'appended' | 'whenFlushed'
  >
  readonly scheduler: Pick<Scheduler, 'soon'>
  readonly logger: Logger<BrokerEvent>
  /** Of the index; other than its own ones in a test. */
  readonly timerLimits?: TimerIndexLimits | undefined
}

/** Where the first delayed message lies that the log still has. */
export async function firstDelayed({
  store,
}: {
  readonly store: Pick<MessageStore, 'queues' | 'bounds' | 'scan' | 'min'>
}): Promise<number | undefined> {
  let first: number | undefined
  for (const queue of store.queues()) {
    if (queue.topic !== SystemTopic.TIMER && queue.topic !== SystemTopic.SCHEDULE) continue
    const { min, max } = store.bounds(queue.topic, queue.queueId)
    for (let offset = min; offset < max;) {
      let place: number | undefined
      const result = store.scan(
        queue,
        queueOffset(offset),
        ({ commitLogOffset: at }) => {
          place = at
          return 'take'
        },
        { unitsMax: 1 },
      )
      if (result.kind === 'scanned') {
        if (place !== undefined && place >= store.min) {
          first = Math.min(first ?? place, place)
          break
        }
        offset = queueOffset(offset + 1)
      } else await result.load()
    }
  }
  return first
}

/** Brings the index that was opened to the end of the log. Rejects as `TimerIndex.load` does. */
async function readLog(deps: RestoreTimersDeps, files: TimerFiles, opened: OpenedTimers): Promise<RestoredTimers> {
  const { store } = deps
  const { index } = opened
  const levels = new LevelOffsets()
  const note = (opened.note ?? { levels: [], adoptedTo: 0 }) as TimerNote
  for (const [level, offset] of note.levels) levels.ended({ level, queueOffset: offset - 1 })
  const isForeign = store.recovery.foreign !== undefined
  const from = isForeign ? undefined : (opened.coversTo ?? (await firstDelayed(deps)))
  if (from !== undefined) {
    await store.walk(
      commitLogOffset(from),
      (record) => replayTimerRecord(index, levels, record),
      () => index.replayPause(),
    )
  }
  await index.replayed()
  const progress = new TimerProgress(deps)
  return { index, files, levels, progress, isUsed: from !== undefined, adoptedTo: note.adoptedTo }
}

/** Restores the index. Where another broker had the folder it is empty: see adopt-timers.ts. */
export async function restoreTimers(deps: RestoreTimersDeps): Promise<RestoredTimers> {
  const { files, root, store, scheduler, logger, timerLimits } = deps
  const pause = () => new Promise<void>((resolve) => scheduler.soon(resolve))
  const timerFiles = new TimerFiles({ files, root, pause, ...(timerLimits && { limits: timerLimits }) })
  const open = async (): Promise<OpenedTimers> => {
    const opened = await timerFiles.open(store.min, store.recovery.end, store.recovery.foreign !== undefined)
    for (const reason of opened.rejected) logger.warn({ event: 'snapshot.rejected', reason })
    return opened
  }
  const opened = await open()
  try {
    return await readLog(deps, timerFiles, opened)
  } catch (error) {
    if (!(error instanceof MqError && isDamage(error))) throw error
    // A run that an image names is read only now.
    logger.warn({ event: 'snapshot.rejected', reason: error.message })
    await opened.index.close()
    await timerFiles.giveUp()
    const { adoptedTo } = (opened.note ?? { adoptedTo: 0 }) as TimerNote
    return { ...(await readLog(deps, timerFiles, await open())), adoptedTo }
  }
}
