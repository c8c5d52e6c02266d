// What metrics learn of a listener and its requests. Told once per request and read of a socket; it looks nothing up.
import type { Clock } from '@rocketmq-ts/runtime'
import { RequestCode, ResponseCode } from './codec/codes.ts'
import type { RequestHandler } from './peer.ts'

/** What refused a connection or a request. */
export type RemotingBound = 'connections' | 'requests-in-flight' | 'unfinished-requests' | 'frames' | 'unread-answers'

export interface ConnectionObserver {
  received(bytes: number): void
  sent(bytes: number): void
  refused(bound: RemotingBound): void
}

export interface RequestObserver {
  /** `responseCode` undefined: a oneway request was taken. `wasHeld`: the answer waited for a message. */
  answered(requestCode: number, responseCode: number | undefined, tookMs: number, wasHeld: boolean): void
}

/** Tells of every request that `handler` answers, whichever way it came. */
export function observeRequests(
  handler: RequestHandler,
  { clock, observer }: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly observer: RequestObserver },
): RequestHandler {
  return (request) => {
    if (request.oneway) observer.answered(request.code, undefined, 0, false)
    else request.observe(observer, clock)
    handler(request)
  }
}

const requestNames = namesOf(RequestCode)
const responseNames = namesOf(ResponseCode)

function namesOf(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name.toLowerCase()]))
}

/** As Apache's metrics spell it; 'unknown' for any other number. Java: RemotingHelper.getRequestCodeDesc. */
export function requestCodeName(code: number): string {
  return requestNames.get(code) ?? 'unknown'
}

/** As Apache's metrics spell it; 'unknown' for any other number. Java: RemotingHelper.getResponseCodeDesc. */
export function responseCodeName(code: number): string {
  return responseNames.get(code) ?? 'unknown'
}
