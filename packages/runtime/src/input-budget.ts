// One budget for all requests of a listener that have arrived in part. Nobody knows whether the rest of them comes, so
// connections without number could hold any amount of memory. From half of the bound on, a request that is larger than a
// small one is read later. While some wait, requests that are not whole after the patience are given up, the oldest first,
// until there is room: whoever waited so long has been given up by its client too. At the bound, what is too much is
// given up at once. Pure.
//
// Invariants. Never more than `bytesMax + requestBytesMax` is held, apart from INPUT_FREE_BYTES for each connection.
// Who waits goes on: when there is room, or as the only one that is read. Without anybody who waits nobody is given up.
import type { Clock } from './clock.ts'
import type { Scheduler, Timer } from './scheduler.ts'

/** A connection that holds no more than this is never made to wait: small requests pass, whatever others do. */
export const INPUT_FREE_BYTES = 16 * 1024
/** What one read of a socket brings at most. */
const READ_BYTES_MAX = 64 * 1024
/** While some wait, it is looked again this often: who was told to go on may have nothing to send. */
const LOOK_AGAIN_MS = 50

/** A stream of requests, as the budget steers it. Calls may come from inside of `hold` and `close`. */
export interface InputStream {
  /** Reads nothing until `resume`. */
  pause(): void
  resume(): void
  /** The request that is not whole is given up, and with it the stream. Its account is closed already. */
  drop(reason: string): void
}

/** What one stream holds. */
export interface InputAccount {
  /**
   * Bytes of a request that is not whole, after each read; 0 when there is none. `isNew`: another one than the last time,
   * which has become whole.
   */
  hold(bytes: number, isNew?: boolean): void
  /** The stream has ended; closing twice is fine. */
  close(): void
}

/** Streams that share one connection, and its free bytes. */
export interface InputConnection {
  open(stream: InputStream): InputAccount
}

export interface InputBudgetOptions {
  readonly bytesMax: number
  /** The largest request: one can always be read to its end, whatever else is held. */
  readonly requestBytesMax: number
  /** How long a request may take to be whole while others wait. */
  readonly patienceMs: number
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly scheduler: Pick<Scheduler, 'after'>
}

export interface InputBudget {
  connection(): InputConnection
  readonly heldBytes: number
  /** Streams that wait to be read. */
  readonly waiting: number
}

interface Account {
  readonly stream: InputStream
  readonly connection: { heldBytes: number }
  heldBytes: number
  /** When the first bytes of its request came. */
  begunMs: number
  state: 'whole' | 'reading' | 'waiting' | 'closed'
}

export function createInputBudget(options: InputBudgetOptions): InputBudget {
  const { bytesMax, requestBytesMax, patienceMs, clock, scheduler } = options
  const waitAtBytes = Math.floor(bytesMax / 2)
  const giveUpAtBytes = Math.max(bytesMax, waitAtBytes + requestBytesMax)
  /** Not whole, the oldest first. */
  const unfinished = new Set<Account>()
  /** Those of them that are not read, the first come first. */
  const waiting = new Set<Account>()
  let heldBytes = 0
  let timer: Timer | undefined

  function change(account: Account, bytes: number): void {
    heldBytes += bytes - account.heldBytes
    account.connection.heldBytes += bytes - account.heldBytes
    account.heldBytes = bytes
  }

  function begin(account: Account): void {
    account.begunMs = clock.monotonicMs()
    unfinished.delete(account)
    unfinished.add(account)
  }

  function letWait(account: Account): void {
    account.state = 'waiting'
    waiting.add(account)
    account.stream.pause()
  }

  function end(account: Account, state: 'whole' | 'closed'): void {
    change(account, 0)
    unfinished.delete(account)
    waiting.delete(account)
    account.state = state
  }

  function drop(account: Account, why: string): void {
    const held = account.heldBytes
    end(account, 'closed')
    account.stream.drop(`${held} bytes of a request that is not whole: ${why}`)
  }

  /** Those that wait go on as far as there is room, and one at least where nobody is read. */
  function goOn(): void {
    let expectedBytes = heldBytes
    for (const account of waiting) {
      if (expectedBytes > waitAtBytes && unfinished.size > waiting.size) break
      waiting.delete(account)
      account.state = 'reading'
      account.stream.resume()
      expectedBytes += READ_BYTES_MAX
    }
    watch()
  }

  function watch(): void {
    if (waiting.size === 0) {
      timer?.cancel()
      timer = undefined
    } else timer ??= scheduler.after(LOOK_AGAIN_MS, lookAgain)
  }

  function lookAgain(): void {
    timer = undefined
    const nowMs = clock.monotonicMs()
    for (const account of unfinished) {
      // The last one may be read alone.
      const isEnough = waiting.size === 0 || heldBytes <= waitAtBytes || unfinished.size === 1
      if (isEnough || nowMs - account.begunMs < patienceMs) break
      drop(account, `not within ${patienceMs} ms, while others wait for the memory`)
    }
    goOn()
  }

  function hold(account: Account, bytes: number, isNew: boolean): void {
    if (account.state === 'closed') return
    change(account, bytes)
    if (bytes === 0) {
      const waited = account.state === 'waiting'
      end(account, 'whole')
      if (waited) account.stream.resume()
      goOn()
      return
    }
    if (isNew || account.state === 'whole') begin(account)
    if (account.state === 'whole') account.state = 'reading'
    const isAlone = account.state === 'reading' && unfinished.size - waiting.size === 1
    if (heldBytes <= waitAtBytes) goOn()
    else if (account.connection.heldBytes > INPUT_FREE_BYTES && !isAlone) {
      // One that waits already has been read by somebody else: gRPC streams are paused and resumed by grpc-js too.
      if (heldBytes > giveUpAtBytes) drop(account, `all together hold ${bytesMax} already`)
      else letWait(account)
      goOn()
    }
  }

  return {
    connection() {
      const connection = { heldBytes: 0 }
      return {
        open(stream) {
          const account: Account = { stream, connection, heldBytes: 0, begunMs: 0, state: 'whole' }
          return {
            hold: (bytes, isNew = false) => {
              if (isNew || bytes !== account.heldBytes) hold(account, bytes, isNew)
            },
            close() {
              if (account.state === 'closed') return
              end(account, 'closed')
              goOn()
            },
          }
        },
      }
    },
    get heldBytes() {
      return heldBytes
    },
    get waiting() {
      return waiting.size
    },
  }
}
