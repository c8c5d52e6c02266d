// How far delayed messages have come, for Apache's broker: `timercheck` and `delayOffset.json`. Invariant: what they call
// delivered is flushed. Apache's own files of its timer are removed where they are there: what they hold of our messages is
// in front of `timercheck` or behind it, and would come twice. Java: TimerCheckpoint, ScheduleMessageService.
import { SystemTopic, queueOffset, stringifyJavaJson } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'
import type { MessageStore, TimerIndex } from '@rocketmq-ts/store'
import { SECOND_MS } from '../limits.ts'
import { writeMirror } from '../mirror-file.ts'
import type { LevelOffsets } from './timer-records.ts'

/** Java maps a page. */
const CHECK_BYTES = 4096
const CHECK_FILE = 'timercheck'
const LOG_FOLDER = 'timerlog'
const WHEEL_FILES = /^timerwheel(?:\.\d{1,20})?$/u

export interface TimerProgressDeps {
  readonly files: Files
  readonly root: string
  readonly store: Pick<MessageStore, 'bounds' | 'scan' | 'queues' | 'appended' | 'whenFlushed'>
}

/** Text of `delayOffset.json`; undefined where no message was ever delayed by a level. */
export function delayOffsetsMirror(levels: LevelOffsets): string | undefined {
  const { all } = levels
  if (all.length === 0) return undefined
  const counter = all.reduce((sum, [, offset]) => sum + offset, 0)
  return stringifyJavaJson({ dataVersion: { counter, stateVersion: 0, timestamp: 0 }, offsetTable: new Map(all) })
}

/** Writes `timercheck`. */
export class TimerProgress {
  readonly #deps: TimerProgressDeps
  #isAlone = false

  constructor(deps: TimerProgressDeps) {
    this.#deps = deps
  }

  /** Walks through everything that is pending. Rejects with MqError or FileError. */
  async write(index: TimerIndex, nowMs: number): Promise<void> {
    const { files, root, store } = this.#deps
    if (!Array.from(store.queues()).some(({ topic }) => topic === SystemTopic.TIMER)) return
    const offset = await this.#firstPending(index)
    await store.whenFlushed(store.appended)
    const bytes = Buffer.alloc(CHECK_BYTES)
    bytes.writeBigInt64BE(BigInt(Math.floor(nowMs / SECOND_MS) * SECOND_MS), 0)
    // Of this broker and of its master.
    bytes.writeBigInt64BE(BigInt(offset), 16)
    bytes.writeBigInt64BE(BigInt(offset), 24)
    await files.makeFolder(`${root}/config`)
    await writeMirror(files, `${root}/config`, CHECK_FILE, bytes)
    if (!this.#isAlone) await this.#removeForeign()
    this.#isAlone = true
  }

  /** Queue offset of the first pending message, in the order in which they were sent: Apache's broker begins there. */
  async #firstPending(index: TimerIndex): Promise<number> {
    const { min, max } = this.#deps.store.bounds(SystemTopic.TIMER, 0)
    let lowest = Number.POSITIVE_INFINITY
    for (let part = await index.below(lowest); ;) {
      for (const { position } of part.entries) lowest = Math.min(lowest, position)
      if (part.next === undefined) break
      part = await index.below(Number.POSITIVE_INFINITY, part.next)
    }
    let [low, high]: [number, number] = [min, max]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((await this.#positionOf(middle)) < lowest) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Of the record with this offset, or of the next one that is there. */
  async #positionOf(offset: number): Promise<number> {
    for (;;) {
      let position = Number.POSITIVE_INFINITY
      const queue = { topic: SystemTopic.TIMER, queueId: 0 }
      const take = (unit: { readonly commitLogOffset: number }): 'take' => {
        position = unit.commitLogOffset
        return 'take'
      }
      const result = this.#deps.store.scan(queue, queueOffset(offset), take, { unitsMax: 1 })
      if (result.kind === 'scanned') return position
      await result.load()
    }
  }

  async #removeForeign(): Promise<void> {
    const { files, root } = this.#deps
    for (const { name } of await files.list(root)) {
      if (WHEEL_FILES.test(name)) await files.remove(`${root}/${name}`)
      if (name !== LOG_FOLDER) continue
      for (const file of await files.list(`${root}/${name}`)) await files.remove(`${root}/${name}/${file.name}`)
    }
    await files.syncFolder(root)
  }
}
