// How many calls are answered at the same time, and how large their requests may be together. Beyond the bounds, and
// while stopping, clients are told to come later.
import { Code } from '@rocketmq-ts/grpc/v2'
import { refusal, type Refusal } from '../status.ts'

export interface Admission {
  /** Undefined: admitted, `leave` with the same bytes follows. */
  enter(requestBytes?: number): Refusal | undefined
  leave(requestBytes?: number): void
  /** Admits nobody any more and resolves when everybody has left. */
  close(): Promise<void>
  readonly inFlight: number
}

export interface AdmissionOptions {
  /** Names the calls in refusals. */
  readonly what: 'calls' | 'receives'
  readonly inFlightMax: number
  /** Bytes of the requests under way. */
  readonly requestBytesMax?: number
  readonly onFull: () => void
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { what, inFlightMax, requestBytesMax = Infinity, onFull } = options
  const full = refusal(Code.TOO_MANY_REQUESTS, `${inFlightMax} ${what} are under way at this proxy: try again later`)
  const tooLarge = refusal(
    Code.TOO_MANY_REQUESTS,
    `requests of ${requestBytesMax} bytes are under way at this proxy: try again later, or add proxies`,
  )
  const stopping = refusal(Code.TOO_MANY_REQUESTS, 'this proxy is stopping: try again, another one may answer')
  let inFlight = 0
  let bytesInFlight = 0
  let closed = false
  let onIdle: (() => void) | undefined
  let idle: Promise<void> | undefined

  return {
    enter(requestBytes = 0) {
      if (closed) return stopping
      const isTooLarge = bytesInFlight + requestBytes > requestBytesMax
      if (inFlight >= inFlightMax || isTooLarge) {
        onFull()
        return isTooLarge ? tooLarge : full
      }
      inFlight += 1
      bytesInFlight += requestBytes
      return undefined
    },
    leave(requestBytes = 0) {
      inFlight -= 1
      bytesInFlight -= requestBytes
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
