// Keeps this broker known to every nameserver: at start, on every change of topics, and at least once a period.
// One registration is in flight at a time; changes during it lead to one more.
import type { DataVersion, TopicConfig } from '@rocketmq-ts/model'
import type { Logger, Scheduler, Timer } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from './events.ts'
import type { RegisterOutcome } from './name-servers.ts'

/** Changes within this time share one registration. */
export const REGISTER_DELAY_MS = 20
/** After a failure at any nameserver, the next attempt comes this soon. */
export const REGISTER_RETRY_MS = 1000

/** What a registration carries. */
export interface Registration {
  readonly topics: readonly TopicConfig[]
  readonly dataVersion: DataVersion
}

export interface RegistrationDeps {
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  readonly periodMs: number
  readonly current: () => Registration
  /** Tells every nameserver; one outcome for each. Never rejects. */
  readonly register: (registration: Registration) => Promise<readonly RegisterOutcome[]>
}

export interface BrokerRegistration {
  /** Registers at once; resolves after the first attempt, whatever its outcome, or at the stop. */
  start(): Promise<void>
  /** Topics changed: registers soon. */
  changed(): void
  stop(): void
  /** True once at least one nameserver knows this broker. */
  readonly known: boolean
}

/** Creates the registration loop. Java: BrokerController.registerBrokerAll. */
export function createRegistration(deps: RegistrationDeps): BrokerRegistration {
  const { scheduler, logger } = deps
  let timer: Timer | undefined
  let inFlight = false
  let dirty = false
  let stopped = false
  let known = false
  let endStart: () => void = () => undefined

  function arm(delayMs: number): void {
    if (stopped) return
    timer?.cancel()
    timer = scheduler.after(delayMs, () => void attempt())
  }

  async function attempt(): Promise<void> {
    timer?.cancel()
    inFlight = true
    dirty = false
    const registration = deps.current()
    const outcomes = await deps.register(registration)
    inFlight = false
    if (stopped) return
    let failures = 0
    for (const { nameServer, error } of outcomes) {
      if (error === undefined) continue
      failures += 1
      logger.warn({ event: 'registration.failed', nameServer, message: error.message })
    }
    const reached = outcomes.length - failures
    if (reached > 0 && !known)
      logger.info({ event: 'registration.done', nameServers: reached, topics: registration.topics.length })
    known ||= reached > 0
    if (dirty) arm(REGISTER_DELAY_MS)
    else arm(failures > 0 ? REGISTER_RETRY_MS : deps.periodMs)
  }

  return {
    start() {
      return new Promise((resolve) => {
        endStart = resolve
        if (stopped) resolve()
        else void attempt().then(resolve)
      })
    },
    changed() {
      // The first of several changes sets the time: others must not put it off.
      if (!dirty && !inFlight) arm(REGISTER_DELAY_MS)
      dirty = true
    },
    stop() {
      stopped = true
      timer?.cancel()
      endStart()
    },
    get known() {
      return known
    },
  }
}
