// How many calls are answered at the same time. Beyond the bound, and while stopping, clients are told to come later.
import { Code } from '@rocketmq-ts/grpc/v2'
import { refusal, type Refusal } from '../status.ts'

export interface Admission {
  /** Undefined: admitted, `leave` follows. */
  enter(): Refusal | undefined
  leave(): void
  /** Admits nobody any more and resolves when everybody has left. */
  close(): Promise<void>
  readonly inFlight: number
}

export interface AdmissionOptions {
  /** Names the calls in refusals. */
  readonly what: 'calls' | 'receives'
  readonly inFlightMax: number
  readonly onFull: () => void
}

export function createAdmission({ what, inFlightMax, onFull }: AdmissionOptions): Admission {
  const full = refusal(Code.TOO_MANY_REQUESTS, `${inFlightMax} ${what} are under way at this proxy: try again later`)
  const stopping = refusal(Code.TOO_MANY_REQUESTS, 'this proxy is stopping: try again, another one may answer')
  let inFlight = 0
  let closed = false
  let onIdle: (() => void) | undefined
  let idle: Promise<void> | undefined

  return {
    enter() {
      if (closed) return stopping
      if (inFlight >= inFlightMax) {
        onFull()
        return full
      }
      inFlight += 1
      return undefined
    },
    leave() {
      inFlight -= 1
      if (closed && inFlight === 0) onIdle?.()
    },
    close() {
      closed = true
      idle ??= new Promise((resolve) => {
        onIdle = resolve
        if (inFlight === 0) resolve()
      })
      return idle
    },
    get inFlight() {
      return inFlight
    },
  }
}
