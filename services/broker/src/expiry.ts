// Releases deliveries whose invisible time is over. One timer for the earliest deadline of the broker; each Turn's work
// is bounded. Deadlines are wall times of this broker's steady clock, so that they survive a restart.
import { SystemTopic } from '@rocketmq-ts/model'
import type { Clock, Scheduler, Timer, Turns } from '@rocketmq-ts/runtime'
import type { Inflight } from './inflight/inflight.ts'
import type { LongPolling } from './long-polling.ts'
import type { DeadLetters } from './pop/dead-letter.ts'
import type { CheckBack } from './transaction/check-back.ts'
import { EXPIRED_PER_TURN_MAX } from './limits.ts'

/** When the Turns are full, expiry is tried again after this time. */
const BUSY_RETRY_MS = 100

export interface Expiry {
  /** The earliest deadline may have changed. Called at the end of every Turn; cheap when it has not. */
  rearm(): void
  stop(): void
}

export interface ExpiryDeps {
  readonly inflight: Inflight
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly turns: Pick<Turns, 'enter'>
  readonly polling: LongPolling
  readonly deadLetters: DeadLetters
  readonly checkBack: CheckBack
}

/** Creates the expiry of a broker. */
export function createExpiry(deps: ExpiryDeps): Expiry {
  const { inflight, scheduler, clock } = deps
  let timer: Timer | undefined
  let armedFor = Number.POSITIVE_INFINITY
  let stopped = false

  function arm(deadlineMs: number, delayMs: number): void {
    timer?.cancel()
    armedFor = deadlineMs
    timer = scheduler.after(delayMs, () => {
      armedFor = Number.POSITIVE_INFINITY
      if (!stopped && !deps.turns.enter(expire)) arm(deadlineMs, BUSY_RETRY_MS)
    })
  }

  function expire(): void {
    const expired = inflight.expire(clock.nowMs(), EXPIRED_PER_TURN_MAX)
    deps.deadLetters.move(expired.dead)
    for (const queue of expired.readied) {
      if (queue.topic === SystemTopic.HALF) deps.checkBack.due(queue)
      else deps.polling.messageReleased(queue.topic, queue.group, queue.queueId)
    }
  }

  return {
    rearm() {
      const deadlineMs = inflight.nextDeadline()
      if (stopped || deadlineMs === undefined || deadlineMs >= armedFor) return
      arm(deadlineMs, Math.max(0, deadlineMs - clock.nowMs()))
    },
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}
