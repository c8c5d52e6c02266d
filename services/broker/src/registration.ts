// Keeps this broker known to every nameserver: at start, on every change of topics, when a connection was lost, and at
// least once a period. Each nameserver has a line of its own, with one registration in flight: none waits for another that
// is slow or gone. A change carries the changed topics alone, so it costs the same with one topic and with thousands;
// everything is told at the start, once a period, and after whatever may have made a nameserver forget.
import type { DataVersion, TopicConfig } from '@rocketmq-ts/model'
import type { Logger, Scheduler, Timer } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from './events.ts'
import type { TopicTable } from './topics/topic-table.ts'

/** Changes within this time share one registration. */
export const REGISTER_DELAY_MS = 20
/** After a failure, or the end of the connection, the next attempt at that nameserver comes this soon. */
export const REGISTER_RETRY_MS = 1000

/** What a registration carries. */
export interface Registration {
  readonly topics: readonly TopicConfig[]
  readonly dataVersion: DataVersion
  /** Only what changed since the last one; the nameserver keeps the other topics. */
  readonly isIncremental: boolean
}

export interface RegistrationDeps {
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  readonly periodMs: number
  /** Addresses of all nameservers. */
  readonly nameServers: readonly string[]
  /** All topics, or those that changed since the version `since`, as far as that is still known. */
  readonly current: (since: DataVersion | undefined) => Registration
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
  /** The next attempt, after a change or a failure. */
  timer: Timer | undefined
  /** The next time that everything is told. */
  period: Timer | undefined
  inFlight: boolean
  /** Something changed since it was told last. */
  dirty: boolean
  /** The version it took last. */
  told: DataVersion | undefined
  /** It may have forgotten what it took. */
  mustTellAll: boolean
  known: boolean
}

/** Creates the registration loop. Java: BrokerController.registerBrokerAll. */
export function createRegistration(deps: RegistrationDeps): BrokerRegistration {
  const { scheduler, logger } = deps
  const lines = deps.nameServers.map((nameServer): Line => ({
    nameServer,
    timer: undefined,
    period: undefined,
    inFlight: false,
    dirty: false,
    told: undefined,
    mustTellAll: true,
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

  /** Everything is told once a period, however many changes are told in between. */
  function armPeriod(line: Line): void {
    line.period?.cancel()
    line.period = scheduler.after(deps.periodMs, () => {
      line.mustTellAll = true
      if (line.inFlight) line.dirty = true
      else void attempt(line)
    })
  }

  async function attempt(line: Line): Promise<void> {
    const { nameServer } = line
    line.timer?.cancel()
    line.inFlight = true
    line.dirty = false
    const registration = deps.current(line.mustTellAll ? undefined : line.told)
    line.mustTellAll = false
    // What is in flight fails with the connection. Not at once: one that is lost again and again must not become a loop.
    const onLost = (): void => {
      line.mustTellAll = true
      if (!line.inFlight) arm(line, REGISTER_RETRY_MS)
    }
    const failure = await deps.register(nameServer, registration, onLost).then(() => undefined, asError)
    line.inFlight = false
    if (stopped) return
    if (failure !== undefined) {
      logger.warn({ event: 'registration.failed', nameServer, message: failure.message })
      line.mustTellAll = true
      arm(line, REGISTER_RETRY_MS)
      return
    }
    line.told = registration.dataVersion
    if (!registration.isIncremental) armPeriod(line)
    if (!line.known) {
      line.known = true
      logger.info({ event: 'registration.done', nameServer, topics: registration.topics.length })
      endStart()
    }
    if (line.dirty) arm(line, REGISTER_DELAY_MS)
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
      for (const { timer, period } of lines) {
        timer?.cancel()
        period?.cancel()
      }
      endStart()
    },
    get known() {
      return lines.some(({ known }) => known)
    },
  }
}

/** All topics of the table, or those that changed since a version of it, where the table still knows. */
export function registrationOf(topics: TopicTable, since: DataVersion | undefined): Registration {
  const { dataVersion } = topics
  const changed = since === undefined ? undefined : topics.changedSince(since.counter)
  return changed === undefined
    ? { topics: [...topics.all()].map(({ config }) => config), dataVersion, isIncremental: false }
    : { topics: changed, dataVersion, isIncremental: true }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
