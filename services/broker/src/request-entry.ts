// The way of a request into a Turn. Who stops or has too much to do says so at once.
import { type RequestHandler, ResponseCode } from '@rocketmq-ts/remoting'
import type { Turns } from '@rocketmq-ts/runtime'
import type { DerivedFiles } from './derived-files.ts'
import type { Journal } from './journal/journal.ts'
import { TURN_JOBS_MAX } from './limits.ts'

/** The answer to what comes while the broker stops, or waited too long by then. */
export const STOPPING = {
  code: ResponseCode.SERVICE_NOT_AVAILABLE,
  remark: 'this broker is stopping; ask another',
} as const

export interface RequestEntryDeps {
  readonly turns: Pick<Turns, 'enter'>
  readonly journal: Pick<Journal, 'sealLarge'>
  readonly derivedFiles: Pick<DerivedFiles, 'touch'>
  /** Handles a request, in a job. */
  readonly dispatch: RequestHandler
  /** From now on nothing new begins. */
  readonly isDraining: () => boolean
}

/** Creates the handler of all requests. */
export function createRequestEntry({
  turns,
  journal,
  derivedFiles,
  dispatch,
  isDraining,
}: RequestEntryDeps): RequestHandler {
  return (request) => {
    if (isDraining()) {
      request.respond(STOPPING)
      return
    }
    const entered = turns.enter(() => {
      dispatch(request)
      journal.sealLarge()
      derivedFiles.touch()
    })
    if (!entered) {
      const remark = `[OVERLOAD] ${TURN_JOBS_MAX} requests wait for the broker: send less, or add brokers`
      request.respond({ code: ResponseCode.SYSTEM_BUSY, remark })
    }
  }
}
