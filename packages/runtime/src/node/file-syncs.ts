// The syncs of one file, two at a time. Each that runs has a descriptor of its own: the system tells of a write that failed
// once per descriptor, so one of two syncs over the same could take the failure away from the other.
import fs from 'node:fs'

type Done = (error: Error | null) => void

/** What it needs of node:fs. */
export type SyncCalls = Pick<typeof fs, 'open' | 'close' | 'fdatasync'>

/** Where Linux names what a process has open. */
const OPEN_FILES = '/proc/self/fd'

export class FileSyncs {
  readonly #descriptor: number
  readonly #calls: SyncCalls
  /** With no sync under way. */
  readonly #idle: number[]
  /** Syncs without a descriptor. Bounded by the callers. */
  readonly #waiting: Done[] = []
  /** From the first sync on that came while one ran; undefined where there is none to be had. */
  #second: Promise<number | undefined> | undefined

  /** The descriptor stays the caller's. */
  constructor(descriptor: number, calls: SyncCalls = fs) {
    this.#descriptor = descriptor
    this.#calls = calls
    this.#idle = [descriptor]
  }

  /** `done` without an error: what was written before the call survives a power loss. */
  sync(done: Done): void {
    this.#waiting.push(done)
    const descriptor = this.#idle.pop()
    if (descriptor !== undefined) this.#startNext(descriptor)
    else this.#second ??= this.#openSecond()
  }

  /** Called when no sync is under way. */
  async close(): Promise<void> {
    const descriptor = await this.#second
    if (descriptor === undefined) return
    // Nothing was written to it: closing it can lose nothing.
    await new Promise<void>((resolve) => this.#calls.close(descriptor, () => resolve()))
  }

  #startNext(descriptor: number): void {
    const done = this.#waiting.shift()
    if (done === undefined) {
      this.#idle.push(descriptor)
      return
    }
    this.#calls.fdatasync(descriptor, (error) => {
      this.#startNext(descriptor)
      done(error)
    })
  }

  /**
   * By the name of the descriptor: another file may be at the path by now. Systems without such names sync one after the
   * other.
   */
  #openSecond(): Promise<number | undefined> {
    return new Promise((resolve) => {
      this.#calls.open(`${OPEN_FILES}/${this.#descriptor}`, fs.constants.O_RDWR, (error, descriptor) => {
        if (error === null) this.#startNext(descriptor)
        resolve(error === null ? descriptor : undefined)
      })
    })
  }
}
