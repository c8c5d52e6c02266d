// Space for journal records on a full disk: a file of zeros that is given up when the first write finds no room.
// From then on sends are refused, until what waits is written and the file could be made again. A last part of it stays
// even then, for a start on the full disk: only that gives it up, and makes it again.
import { type File, FileError, type Files, type Scheduler, type Timer } from '@rocketmq-ts/runtime'
import { withFastAccessors } from '../fast-accessors.ts'

const PIECE_BYTES = 1024 * 1024
/** Pause between pieces while the file is made, so that it does not stand in the way of sends. */
const PIECE_DELAY_MS = 10
/** Most of what a start on a full disk writes, and its share of the reserve. */
const START_BYTES_MAX = 4 * 1024 * 1024
const START_SHARE = 4
const START_PIECES = 16
/** How often a full disk is tried again: sends go on within a few seconds of its space. */
const PROBE_INTERVAL_MS = 1000

/** Of a reserve, the part that only a start gives up: markers, checkpoints, and units behind the last checkpoint. */
function startReserveBytes(reserveBytes: number): number {
  return Math.min(START_BYTES_MAX, Math.floor(reserveBytes / START_SHARE))
}

/** Gives up all of a reserve but what a start needs; that is kept if nobody else was faster. */
export async function keepForStart(files: Files, path: string, reserveBytes: number): Promise<void> {
  await files.remove(path)
  const bytes = startReserveBytes(reserveBytes)
  if (bytes === 0) return
  try {
    const file = await files.open(path, 'create')
    try {
      // Piece by piece: what fits is kept, if not all of it does.
      const piece = new Uint8Array(Math.ceil(bytes / START_PIECES))
      for (let at = 0; at < bytes; at += piece.length) file.writeSync(at, [piece])
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!isNoSpace(error)) throw error
  }
}

export interface DiskReserve {
  /** Sends are refused. */
  readonly full: boolean
  /** There is no room already: sends are refused until what waits is written. Instead of `start`. */
  startFull(cause: unknown): void
  /** Makes the file in the background, once. */
  start(): void
  /** A write found no room: gives the space up. False when there was none to give. */
  release(cause: unknown): Promise<boolean>
  /** Ends work in the background. */
  stop(): Promise<void>
}

/** True when the disk, or the quota, has no space left. */
export function isNoSpace(error: unknown): error is FileError {
  return error instanceof FileError && error.code === 'no-space'
}

/** Creates the reserve of one store. */
export function createDiskReserve(options: {
  readonly files: Files
  readonly scheduler: Scheduler
  readonly path: string
  readonly bytes: number
  /** Writes what found no room. Rejects while there still is none. */
  readonly writeWaiting: () => Promise<void>
  readonly onFull: (cause: unknown) => void
  readonly onFreed: () => void
}): DiskReserve {
  const { files, scheduler, path, bytes, writeWaiting, onFull, onFreed } = options
  let full = false
  let started = bytes === 0
  let stopped = false
  let filling: Promise<void> | undefined
  let held = false
  /** Of the filling that runs. */
  let order = { cancelled: false }
  let timer: Timer | undefined

  /** Ends the pause that runs: nothing may wait for a timer while the process stops. */
  let endPause: () => void = () => undefined

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const pausing = scheduler.after(PIECE_DELAY_MS, resolve)
      endPause = () => {
        pausing.cancel()
        resolve()
      }
    })
  }

  async function cancelFilling(): Promise<void> {
    order.cancelled = true
    endPause()
    await filling
  }

  async function writePieces(file: File, { cancelled }: { readonly cancelled: () => boolean }): Promise<void> {
    const zeros = new Uint8Array(Math.min(PIECE_BYTES, bytes))
    for (let at = await file.size(); at < bytes && !cancelled(); at += zeros.length) {
      file.writeSync(at, [zeros.subarray(0, Math.min(zeros.length, bytes - at))])
      await pause()
    }
    if (!cancelled()) await file.sync()
  }

  /** Looks first: whoever needs the last bytes of a full disk shall not meet the zeros of every try. */
  async function expectSpace(): Promise<void> {
    const { freeBytes } = await files.space(path.slice(0, path.lastIndexOf('/')))
    if (freeBytes < bytes) throw new FileError('no-space', path, `${freeBytes} bytes are free, ${bytes} are needed`)
  }

  async function fill(own: { readonly cancelled: boolean }): Promise<void> {
    if (full) {
      await writeWaiting()
      await expectSpace()
    }
    const file = await files.open(path, 'create')
    try {
      await writePieces(file, { cancelled: () => own.cancelled })
    } finally {
      await file.close()
    }
  }

  function markFull(cause: unknown): void {
    if (!full) onFull(cause)
    full = true
    if (stopped) return
    timer?.cancel()
    timer = scheduler.after(PROBE_INTERVAL_MS, () => {
      timer = undefined
      beginFilling()
    })
  }

  function beginFilling(): void {
    if (filling !== undefined || stopped) return
    const own = { cancelled: false }
    order = own
    filling = fill(own)
      .then(
        () => {
          if (own.cancelled) return
          held = true
          if (full) onFreed()
          full = false
        },
        async (error: unknown) => {
          // A file system that can not hold the reserve for another reason still takes messages.
          if (own.cancelled || !isNoSpace(error)) return
          await keepForStart(files, path, bytes).catch(() => undefined)
          markFull(error)
        },
      )
      .finally(() => {
        filling = undefined
      })
  }

  return withFastAccessors({
    get full() {
      return full
    },
    startFull(cause) {
      started = true
      markFull(cause)
    },
    start() {
      if (started) return
      started = true
      beginFilling()
    },
    async release(cause) {
      const wasHeld = held || filling !== undefined
      await cancelFilling()
      held = false
      await keepForStart(files, path, bytes)
      markFull(cause)
      return wasHeld
    },
    async stop() {
      stopped = true
      timer?.cancel()
      await cancelFilling()
    },
  })
}
