// One open file. Writes and hot reads go through the page cache on the calling thread; syncs and cold reads own a
// thread of the pool. Its descriptors are closed only after the last operation on them has ended.
import fs from 'node:fs'
import { type File, FileError, type ReadLane } from '../files.ts'
import { type DirectRead, DirectReads, isWholeBlocks, type ReadLanes } from './direct-reads.ts'
import { errnoOf, fileError } from './file-errors.ts'
import { FileSyncs } from './file-syncs.ts'

/** Largest piece of a cold read: what one read may take from the others in its lane. */
const COLD_PIECE_BYTES = 1024 * 1024
/** Interrupted system calls repeated before the operation counts as failed. */
const INTERRUPTIONS_MAX = 1000

function isInterruption(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'EINTR' || errno === 'EAGAIN'
}

type Done<Result> = (error: Error | null, result?: Result) => void

/** What is left of `chunks` after their first `bytes`. */
function without(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let index = 0
  let rest = bytes
  for (;;) {
    const chunk = chunks[index]
    if (chunk === undefined || rest < chunk.length) break
    rest -= chunk.length
    index += 1
  }
  const left = chunks.slice(index)
  const first = left[0]
  if (rest > 0 && first !== undefined) left[0] = first.subarray(rest)
  return left
}

export class NodeFile implements File {
  readonly path: string
  readonly #descriptor: number
  readonly #lanes: ReadLanes
  /** From the first direct read on: most files have none. */
  #direct: DirectReads | undefined
  /** From the first sync on. */
  #syncs: FileSyncs | undefined
  #running = 0
  #closed: Promise<void> | undefined
  #whenUnused: (() => void) | undefined

  constructor(path: string, descriptor: number, lanes: ReadLanes) {
    this.path = path
    this.#descriptor = descriptor
    this.#lanes = lanes
  }

  async size(): Promise<number> {
    const stats = await this.#run<fs.Stats>('read the size of', (done) => fs.fstat(this.#descriptor, done))
    return stats.size
  }

  writeSync(position: number, chunks: readonly Uint8Array[]): void {
    this.#checkOpen()
    let at = position
    let left: readonly Uint8Array[] = chunks.filter((chunk) => chunk.length > 0)
    let interruptions = 0
    while (left.length > 0) {
      let written = 0
      try {
        const [only] = left
        written =
          left.length === 1 && only !== undefined
            ? fs.writeSync(this.#descriptor, only, 0, only.length, at)
            : fs.writevSync(this.#descriptor, left, at)
      } catch (error) {
        interruptions += 1
        if (!isInterruption(error) || interruptions > INTERRUPTIONS_MAX) throw fileError(error, 'write', this.path)
        continue
      }
      if (written === 0) throw new FileError('io', this.path, 'can not write (the system took no bytes)')
      at += written
      left = without(left, written)
    }
  }

  readSync(position: number, into: Uint8Array): number {
    this.#checkOpen()
    let filled = 0
    let interruptions = 0
    while (filled < into.length) {
      try {
        const count = fs.readSync(this.#descriptor, into, filled, into.length - filled, position + filled)
        if (count === 0) break
        filled += count
      } catch (error) {
        interruptions += 1
        if (!isInterruption(error) || interruptions > INTERRUPTIONS_MAX) throw fileError(error, 'read', this.path)
      }
    }
    return filled
  }

  async read(position: number, into: Uint8Array, lane: ReadLane = 'hot', group?: string): Promise<number> {
    if ((lane === 'direct' || lane === 'direct-parts') && isWholeBlocks(position, into.length)) {
      return this.#readEitherWay({ position, into, lane, group })
    }
    let filled = 0
    while (filled < into.length) {
      const wanted = into.length - filled
      const count =
        lane === 'hot'
          ? await this.#readOnce(position + filled, into, filled, wanted)
          : await this.#readCold(position + filled, into, filled, Math.min(wanted, COLD_PIECE_BYTES), group)
      if (count === 0) break
      filled += count
    }
    return filled
  }

  async truncate(bytes: number): Promise<void> {
    await this.#run('set the length of', (done) => fs.ftruncate(this.#descriptor, bytes, done))
  }

  async sync(): Promise<void> {
    await this.#run('sync', (done) => {
      const syncs = (this.#syncs ??= new FileSyncs(this.#descriptor))
      syncs.sync(done)
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenUnused = resolve))
    await this.#direct?.close()
    await this.#syncs?.close()
    await new Promise<void>((resolve, reject) => {
      fs.close(this.#descriptor, (error) => (error ? reject(fileError(error, 'close', this.path)) : resolve()))
    })
  }

  /** The faster way first; what the system does not read directly comes through the page cache. */
  async #readEitherWay(read: DirectRead): Promise<number> {
    const { position, into, group } = read
    const direct = (this.#direct ??= new DirectReads(this.path, this.#lanes))
    const { ways } = direct
    if (ways.next() === 'direct') {
      return this.#run<number>('read', (done) => {
        direct.read(read, (error, count) => {
          if (error !== null || count !== undefined) done(error, count)
          else this.#enterCold(position, into, group, done)
        })
      })
    }
    const startedMs = performance.now()
    const count = await this.read(position, into, 'cold', group)
    ways.took('cached', performance.now() - startedMs, count)
    return count
  }

  #readOnce(position: number, into: Uint8Array, at: number, length: number): Promise<number> {
    return this.#run<number>('read', (done) => fs.read(this.#descriptor, into, at, length, position, done))
  }

  #readCold(position: number, into: Uint8Array, at: number, length: number, group?: string): Promise<number> {
    const part = into.subarray(at, at + length)
    return this.#run<number>('read', (done) => this.#enterCold(position, part, group, done))
  }

  #enterCold(position: number, into: Uint8Array, group: string | undefined, done: Done<number>): void {
    this.#lanes.cold.enter((leave) => {
      fs.read(this.#descriptor, into, 0, into.length, position, (error, count) => {
        leave()
        done(error, count)
      })
    }, group)
  }

  /** Runs one operation on a pool thread and keeps the descriptor open meanwhile. */
  #run<Result = void>(action: string, operation: (done: Done<Result>) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      this.#running += 1
      operation((error, result) => {
        this.#running -= 1
        if (error === null) resolve(result as Result)
        else reject(fileError(error, action, this.path))
        if (this.#running === 0) this.#whenUnused?.()
      })
    })
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new FileError('other', this.path, 'the file is closed')
  }
}
