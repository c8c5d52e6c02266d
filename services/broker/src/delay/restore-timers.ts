// The timer index as the log proves it: the newest image that can be used, then every record behind it. Without one, from
// the first delayed message that the log still has.
import { SystemTopic, commitLogOffset, queueOffset } from '@rocketmq-ts/model'
import type { Files, Logger, Scheduler } from '@rocketmq-ts/runtime'
import { type MessageStore, TimerFiles, type TimerIndex } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import { LevelOffsets, replayTimerRecord } from './timer-records.ts'

export interface RestoredTimers {
  readonly index: TimerIndex
  readonly files: TimerFiles
  readonly levels: LevelOffsets
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
  readonly store: Pick<MessageStore, 'recovery' | 'min' | 'queues' | 'scan' | 'bounds' | 'walk'>
  readonly scheduler: Pick<Scheduler, 'soon'>
  readonly logger: Logger<BrokerEvent>
}

/** Where the first delayed message lies that the log still has. */
async function firstDelayed({ store }: RestoreTimersDeps): Promise<number | undefined> {
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

/** Restores the index. Where another broker had the folder it is empty: see adopt-timers.ts. */
export async function restoreTimers(deps: RestoreTimersDeps): Promise<RestoredTimers> {
  const { files, root, store, scheduler, logger } = deps
  const pause = () => new Promise<void>((resolve) => scheduler.soon(resolve))
  const timerFiles = new TimerFiles({ files, root, pause })
  const isForeign = store.recovery.foreign !== undefined
  const opened = await timerFiles.open(store.min, store.recovery.end, isForeign)
  for (const reason of opened.rejected) logger.warn({ event: 'snapshot.rejected', reason })
  const { index } = opened
  const levels = new LevelOffsets()
  const note = (opened.note ?? { levels: [], adoptedTo: 0 }) as TimerNote
  for (const [level, offset] of note.levels) levels.ended({ level, queueOffset: offset - 1 })
  const from = isForeign ? undefined : (opened.coversTo ?? (await firstDelayed(deps)))
  if (from !== undefined) {
    await store.walk(
      commitLogOffset(from),
      (record) => replayTimerRecord(index, levels, record),
      () => index.replayPause(),
    )
  }
  await index.replayed()
  return { index, files: timerFiles, levels, isUsed: from !== undefined, adoptedTo: note.adoptedTo }
}
