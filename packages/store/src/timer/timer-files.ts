// The files of a timer index: generations of its image, and the runs that they name.
import { MqError } from '@rocketmq-ts/model'
import { discardGenerationsBeyond, FileError, type Files, readGenerations, writeGeneration } from '@rocketmq-ts/runtime'
import { runPath } from './run-file.ts'
import { decodeTimerImage, encodeTimerImage, TIMER_IMAGE_KIND, TIMER_IMAGE_VERSION } from './timer-image.ts'
import { TimerIndex, type TimerIndexOptions } from './timer-index.ts'

/** Inside the root of a store. */
export const TIMER_FOLDER = 'timer'
const RUN_NAME = /^run-(\d{1,15})$/u

/** The generations of the image of the store at `root`, see generation files. */
export function imagePath(root: string): string {
  return `${root}/${TIMER_FOLDER}/image`
}

/** Where an index stands in the log. */
export interface OpenedTimers {
  readonly index: TimerIndex
  /** The log is read again from here; undefined where no image could be used: from the first delayed message. */
  readonly coversTo: number | undefined
  /** See `TimerIndex.image`. */
  readonly note: unknown
  /** Why images could not be used. */
  readonly rejected: readonly string[]
}

export interface TimerFilesOptions extends Omit<TimerIndexOptions, 'folder'> {
  /** Absolute path of the root of the store. */
  readonly root: string
}

/** Keeps the images of one index. */
export class TimerFiles {
  readonly #files: Files
  readonly #folder: string
  readonly #path: string
  readonly #indexOptions: TimerIndexOptions
  /** Runs of the last image and of the one before. */
  #named: readonly number[] = []
  #namedBefore: readonly number[] = []

  constructor({ root, ...options }: TimerFilesOptions) {
    this.#files = options.files
    this.#folder = `${root}/${TIMER_FOLDER}`
    this.#indexOptions = { ...options, folder: this.#folder }
    this.#path = imagePath(root)
  }

  /**
   * The newest index that the log proves: images beyond `logEnd` go, those that end in front of `logMin` lack records.
   * With `isForeign`, no image can be used.
   */
  async open(logMin: number, logEnd: number, isForeign: boolean): Promise<OpenedTimers> {
    await this.#files.makeFolder(this.#folder, { durable: true })
    const { valid, damaged } = await readGenerations(this.#files, this.#path, {
      kind: TIMER_IMAGE_KIND,
      versionMax: TIMER_IMAGE_VERSION,
    })
    const rejected = damaged.map(({ path, reason }) => `${path}: ${reason}`)
    const kept = await discardGenerationsBeyond(this.#files, valid, isForeign ? -1 : logEnd)
    for (const { path, coversTo, payload } of kept) {
      if (coversTo < logMin) {
        rejected.push(`${path} covers ${coversTo}, the log begins at ${logMin}`)
        continue
      }
      const index = this.#createIndex()
      try {
        const image = decodeTimerImage(payload)
        await index.restore({ ...image, nextRun: Math.max(image.nextRun, 1 + (await this.#lastRun())) })
        this.#named = image.runs.map(({ number }) => number)
        return { index, coversTo, note: image.note, rejected }
      } catch (error) {
        if (!(error instanceof MqError || error instanceof FileError)) throw error
        rejected.push(`${path}: ${error.message}`)
      }
    }
    await this.#removeRuns([])
    return { index: this.#createIndex(), coversTo: undefined, note: undefined, rejected }
  }

  /**
   * Writes an image of the index. `inTurn` calls back where nothing changes, and says where the log ends there, and what
   * the owner's note is.
   */
  async write(
    index: TimerIndex,
    owner: {
      readonly inTurn: <Result>(take: (appended: number, note: unknown) => Result) => Promise<Result>
      readonly whenFlushed: (position: number) => Promise<void>
    },
  ): Promise<void> {
    await index.tidy(async () => {
      const { image, coversTo } = await owner.inTurn((appended, note) => ({
        image: index.image(note),
        coversTo: appended,
      }))
      await writeGeneration(this.#files, this.#path, {
        kind: TIMER_IMAGE_KIND,
        version: TIMER_IMAGE_VERSION,
        coversTo,
        payload: encodeTimerImage(image),
        whenFlushed: owner.whenFlushed,
      })
      this.#namedBefore = this.#named
      this.#named = image.runs.map(({ number }) => number)
      await this.#removeRuns([...this.#named, ...this.#namedBefore])
    })
  }

  /** The runs are not what was written: the next start reads the log instead. */
  async giveUp(): Promise<void> {
    for (const { name } of await this.#files.list(this.#folder)) {
      if (name.startsWith('image.')) await this.#files.remove(`${this.#folder}/${name}`)
    }
    await this.#files.syncFolder(this.#folder)
  }

  #createIndex(): TimerIndex {
    return new TimerIndex(this.#indexOptions)
  }

  async #runNumbers(): Promise<number[]> {
    const entries = await this.#files.list(this.#folder)
    return entries.flatMap(({ name }) => RUN_NAME.exec(name)?.[1] ?? []).map(Number)
  }

  /** Numbers are not used again: an image that could not be read may name them. */
  async #lastRun(): Promise<number> {
    return Math.max(0, ...(await this.#runNumbers()))
  }

  async #removeRuns(kept: readonly number[]): Promise<void> {
    for (const number of await this.#runNumbers()) {
      if (!kept.includes(number)) await this.#files.remove(runPath(this.#folder, number))
    }
  }
}
