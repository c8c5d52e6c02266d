// Until when a delivery was promised to be the only one, by the broker's clock: what was asked, as changed since.
import type { Delivery, Settlement } from '../history.ts'
import type { BrokerTimes } from './broker-times.ts'

/** The proxy renews so long before the end of its invisible time; then another handle is the live one. */
const RENEW_AHEAD_MS = 10_000

export interface InvisiblePromise {
  /** No other delivery before this time; −Infinity where nothing is promised. */
  readonly untilMs: number
  /** The client does not know whether one of its changes was done. */
  readonly isUncertain: boolean
}

/** The promise as of the changes that began before `beforeMs` of the world. */
export function promiseOf(
  delivery: Delivery,
  settlements: readonly Settlement[],
  times: BrokerTimes,
  beforeMs: number,
): InvisiblePromise {
  if (times.isVolatile(delivery)) return { untilMs: -Infinity, isUncertain: true }
  let untilMs = delivery.popTimeMs + delivery.invisibleMs
  let isUncertain = false
  for (const change of settlements) {
    if (change.kind !== 'change' || change.outcome === 'refused' || change.startMs >= beforeMs) continue
    if (change.newPopTimeMs === undefined) {
      // It may be done at any time from its beginning on.
      isUncertain = true
      untilMs = Math.min(untilMs, (times.earliest(change) ?? -Infinity) + change.invisibleMs)
      continue
    }
    const changedMs = change.newPopTimeMs + change.invisibleMs
    const wasInTime: boolean = change.newPopTimeMs < untilMs && !isUncertain && !times.isVolatile(change)
    untilMs = wasInTime ? changedMs : Math.min(untilMs, changedMs)
    isUncertain = isUncertain || !wasInTime
  }
  return { untilMs, isUncertain }
}

/** Whether an acknowledgement that was answered OK surely settled the message, and the broker can not forget it. */
export function surelySettles(
  ack: Settlement,
  delivery: Delivery,
  settlements: readonly Settlement[],
  times: BrokerTimes,
): boolean {
  if (ack.kind !== 'ack' || ack.outcome !== 'ok' || times.isVolatile(ack)) return false
  const { untilMs, isUncertain } = promiseOf(delivery, settlements, times, ack.startMs)
  const latestMs = times.latest(delivery, ack)
  if (isUncertain || latestMs === undefined) return false
  if (delivery.autoRenew && latestMs >= delivery.popTimeMs + delivery.invisibleMs - RENEW_AHEAD_MS) return false
  return latestMs < untilMs
}
