// The messages of one queue that wait or are with somebody, in lines: one per message group. In memory only, made from the
// records. Invariant: a line gives its lowest messages, and nothing while one of it is in flight.
import { BLOCK } from './entries.ts'
import { lowestBit } from './digest.ts'
import type { LinedMessage, QueueLines } from './in-order-api.ts'
import { OffsetLine } from './offset-line.ts'

/** Messages of one queue in lines, at most: so far behind the first that is held up others are looked for. */
export const LOOK_AHEAD_OFFSETS_MAX = 8192
/** Record bytes of those that wait, at most; the first one always fits. */
export const LOOK_AHEAD_BYTES_MAX = 16 * 1024 * 1024
/** Messages in lines of the whole broker, at most. Each takes about 100 bytes. */
export const LINED_MESSAGES_MAX = 262_144
/** Beyond it, a queue that has none may have so many: nobody would tell it that others have left. */
const FIRST_MESSAGES = 32
/** Where a queue was held up, one of so many of its messages must have left before that is told: each look costs a Turn. */
const TOLD_PER_LEFT = 256

interface Line {
  readonly waiting: OffsetLine
  inFlight: number
  /** Its entry in the list of heads, −1 while it gives nothing. */
  head: number
}

/** Messages in lines of all queues. */
export interface LinedTotal {
  messages: number
}

export class MessageLines implements QueueLines {
  readonly #total: LinedTotal
  readonly #lines = new Map<number, Line>()
  readonly #messages = new Map<number, LinedMessage>()
  /** The lowest message of every line that gives some, ascending. */
  readonly #heads = new OffsetLine()
  #waitingBytes = 0
  #givable = 0
  /** Told when so few are left; undefined where it is not held up. */
  #toldAt: number | undefined

  constructor(total: LinedTotal) {
    this.#total = total
  }

  get givable(): number {
    return this.#givable
  }

  get room(): { messages: number; bytes: number } {
    const { size } = this.#messages
    const ofBroker = Math.max(LINED_MESSAGES_MAX - this.#total.messages, size === 0 ? FIRST_MESSAGES : 0)
    const messages = Math.max(0, Math.min(LOOK_AHEAD_OFFSETS_MAX - size, ofBroker))
    return { messages, bytes: Math.max(0, LOOK_AHEAD_BYTES_MAX - this.#waitingBytes) }
  }

  gives(group: number): boolean {
    return (this.#lines.get(group)?.inFlight ?? 0) === 0
  }

  noteHeldUp(): void {
    const { size } = this.#messages
    this.#toldAt = Math.max(this.#toldAt ?? 0, size - Math.max(1, Math.floor(size / TOLD_PER_LEFT)))
  }

  /** Lines that give some, by their lowest message; each with all that waits in it. */
  *givers(): Iterable<Iterable<number>> {
    for (const head of this.#heads) yield this.#lineOf(head)!.waiting
  }

  /** A message that is in no line. */
  add(offset: number, message: LinedMessage, isInFlight: boolean): void {
    let line = this.#lines.get(message.group)
    if (line === undefined)
      this.#lines.set(message.group, (line = { waiting: new OffsetLine(), inFlight: 0, head: -1 }))
    this.#messages.set(offset, message)
    this.#total.messages += 1
    if (isInFlight) this.#change(line, () => (line.inFlight += 1))
    else this.#wait(line, offset, message)
  }

  #wait(line: Line, offset: number, { size }: LinedMessage): void {
    this.#waitingBytes += size
    this.#change(line, () => line.waiting.add(offset))
  }

  #lineOf(offset: number): Line | undefined {
    const message = this.#messages.get(offset)
    return message === undefined ? undefined : this.#lines.get(message.group)
  }

  /** Keeps what is told of all lines right over a change to one. */
  #change(line: Line, change: () => void): void {
    const before = line.inFlight === 0 ? line.waiting.length : 0
    change()
    const after = line.inFlight === 0 ? line.waiting.length : 0
    this.#givable += after - before
    const head = after === 0 ? -1 : line.waiting.lowest!
    if (head === line.head) return
    if (line.head >= 0) this.#heads.remove(line.head)
    if (head >= 0) this.#heads.add(head)
    line.head = head
  }

  /** Waiting messages are in flight now. */
  given(block: number, mask: number): void {
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      const offset = block * BLOCK + lowestBit(rest)
      const line = this.#lineOf(offset)
      if (line === undefined) continue
      this.#waitingBytes -= this.#messages.get(offset)!.size
      this.#change(line, () => {
        line.waiting.remove(offset)
        line.inFlight += 1
      })
    }
  }

  /** Messages in flight wait again. True when one may be given now that could not be. */
  released(block: number, mask: number): boolean {
    return this.#leave(block, mask, (line, offset, message) => {
      line.inFlight -= 1
      this.#waitingBytes += message.size
      line.waiting.add(offset)
    })
  }

  /** Messages are settled, or gone. True when others may be given now that could not be. */
  removed(block: number, mask: number, wasWaiting: boolean): boolean {
    const isFree = this.#leave(block, mask, (line, offset, message) => {
      this.#messages.delete(offset)
      this.#total.messages -= 1
      if (wasWaiting) {
        this.#waitingBytes -= message.size
        line.waiting.remove(offset)
      } else line.inFlight -= 1
      if (line.inFlight === 0 && line.waiting.length === 0) this.#lines.delete(message.group)
    })
    const isRoomMade = this.#toldAt !== undefined && this.#messages.size <= this.#toldAt
    if (isRoomMade) this.#toldAt = undefined
    return isFree || isRoomMade
  }

  #leave(block: number, mask: number, leave: (line: Line, offset: number, message: LinedMessage) => void): boolean {
    const before = this.#givable
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      const offset = block * BLOCK + lowestBit(rest)
      const line = this.#lineOf(offset)
      if (line !== undefined) this.#change(line, () => leave(line, offset, this.#messages.get(offset)!))
    }
    return this.#givable > before
  }

  /** They are not used any more. */
  forget(): void {
    this.#total.messages -= this.#messages.size
    this.#messages.clear()
  }
}
