// The rules for a second delivery of a message to a group. Pops and acknowledgements are answered when they are in the
// page cache: a kill loses none of them, and a power loss only those behind the last sync of their broker. So, but for
// these,
//
// - the second one comes when the invisible time of the first is over, counted from when it was asked for, and
// - it does not come at all when the first was acknowledged, and that answered OK, before its time was over.
import { type Delivery, type History, placeOf } from './history.ts'

/** Clocks of two processes may disagree by so much within one invisible time. */
const CLOCK_TOLERANCE_MS = 50

export interface RedeliveryFaults {
  readonly tooEarly: readonly string[]
  readonly afterAck: readonly string[]
}

/** Judges each pair of deliveries of one copy to one group. */
export function judgeRedeliveries(history: History): RedeliveryFaults {
  const tooEarly: string[] = []
  const afterAck: string[] = [...history.faults.settled]

  /** What was answered at this time may have been taken back by a power loss between the deliveries. */
  function mayBeLost(answeredMs: number, first: Delivery, second: Delivery): boolean {
    return history.powerLosses.some(
      ({ brokerName, goneMs, flushedToMs }) =>
        brokerName === first.copy.brokerName &&
        first.askedMs <= goneMs &&
        goneMs <= second.answeredMs &&
        answeredMs >= flushedToMs,
    )
  }

  function judge(first: Delivery, second: Delivery): void {
    const overMs = first.askedMs + first.invisibleMs
    const afterMs = Math.round(second.answeredMs - first.answeredMs)
    const name = `${first.group} ${first.copy.attempt.id} at ${placeOf(first.copy)}, again after ${afterMs} ms`
    if (second.answeredMs < overMs - CLOCK_TOLERANCE_MS) {
      if (!mayBeLost(first.answeredMs, first, second)) tooEarly.push(name)
    } else if (first.ack === 'answered' && first.ackAnsweredMs < overMs) {
      if (!mayBeLost(Math.max(first.answeredMs, first.ackAnsweredMs), first, second)) afterAck.push(name)
    }
  }

  for (const copy of history.places.values()) {
    for (const deliveries of copy.deliveries.values()) {
      for (const [index, second] of deliveries.entries()) {
        for (const first of deliveries.slice(0, index)) judge(first, second)
      }
    }
  }
  return { tooEarly, afterAck }
}
