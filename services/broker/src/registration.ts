// Keeps this broker known to every nameserver: at start, on every change of topics, when a connection was lost, and at
// least once a period. Each nameserver has a line of its own, with one registration in flight: none waits for another that is slow or gone.
import type { DataVersion, TopicConfig } from '@rocketmq-ts/model'
import type { Logger, Scheduler, Timer } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from './events.ts'

/** Changes within this time share one registration. */
export const REGISTER_DELAY_MS = 20
/** After a failure, or the end of the connection, the next attempt at that nameserver comes this soon. */
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
  /** Addresses of all nameservers. */
  readonly nameServers: readonly string[]
  readonly current: () => Registration
  /** Tells one nameserver; rejects when it does not take it. `onLost`: it has forgotten this broker again. */
  readonly register: (nameServer: string, registration: Registration, onLost: () => void) => Promise<void>
}

export interface BrokerRegistration {
  /** Registers at once; resolves when one nameserver took it, all first attempts failed, or at the stop. */
  start(): Promise<void>
  /** Topics changed: registers soon. Before the start it means nothing: that tells all. */
  changed(): void
  stop(): void
  /** True once at least one nameserver knows this broker. */
  readonly known: boolean
}

/** What one nameserver was told. */
interface Line {
  readonly nameServer: string
  timer: Timer | undefined
  inFlight: boolean
  /** Something changed since it was told last. */
  dirty: boolean
  known: boolean
}

/** Creates the registration loop. Java: BrokerController.registerBrokerAll. */
export function createRegistration(deps: RegistrationDeps): BrokerRegistration {
  const { scheduler, logger } = deps
  const lines = deps.nameServers.map((nameServer): Line => ({
    nameServer,
    timer: undefined,
    inFlight: false,
    dirty: false,
    known: false,
  }))
  let started = false
  let stopped = false
  let endStart: () => void = () => undefined

  function arm(line: Line, delayMs: number): void {
    if (stopped) return
    line.timer?.cancel()
    line.timer = scheduler.after(delayMs, () => void attempt(line))
  }

  async function attempt(line: Line): Promise<void> {
    const { nameServer } = line
    line.timer?.cancel()
    line.inFlight = true
    line.dirty = false
    const registration = deps.current()
    // What is in flight fails with the connection. Not at once: one that is lost again and again must not become a loop.
    const onLost = (): void => {
      if (!line.inFlight) arm(line, REGISTER_RETRY_MS)
    }
    const failure = await deps.register(nameServer, registration, onLost).then(() => undefined, asError)
    line.inFlight = false
    if (stopped) return
    if (failure !== undefined) {
      logger.warn({ event: 'registration.failed', nameServer, message: failure.message })
    } else if (!line.known) {
      line.known = true
      logger.info({ event: 'registration.done', nameServer, topics: registration.topics.length })
      endStart()
    }
    if (line.dirty) arm(line, REGISTER_DELAY_MS)
    else arm(line, failure === undefined ? deps.periodMs : REGISTER_RETRY_MS)
  }

  return {
    start() {
      return new Promise((resolve) => {
        endStart = resolve
        started = true
        if (stopped) resolve()
        else void Promise.all(lines.map(attempt)).then(() => resolve())
      })
    },
    changed() {
      if (!started) return
      for (const line of lines) {
        // The first of several changes sets the time: others must not put it off.
        if (!line.dirty && !line.inFlight) arm(line, REGISTER_DELAY_MS)
        line.dirty = true
      }
    },
    stop() {
      stopped = true
      for (const { timer } of lines) timer?.cancel()
      endStart()
    },
    get known() {
      return lines.some(({ known }) => known)
    },
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
