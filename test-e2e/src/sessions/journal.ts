// What the clients of one language tell of their sessions, as lines on standard output: each success and each failure that
// reached the application, with its time.

export type Role = 'producer' | 'simple' | 'push'

interface SessionEvent {
  readonly session: string
  readonly by: Role
  readonly event: 'sent' | 'received' | 'failed'
  /** Since 1970. */
  readonly ms: number
  /** Of the message, unless it failed. */
  readonly seq?: number
  readonly detail?: string
}

export interface Journal {
  /** Takes the next piece of the output. */
  read(text: string): void
  /** The longest time between two neighbours of: the begin, each success of this role, the end. */
  longestWaitMs(session: string, role: Role, fromMs: number, toMs: number): number
  /** Numbers of the messages that were acknowledged until then, and that this role did not receive. */
  missing(session: string, role: Role, untilMs: number): readonly number[]
  /** Times of deliveries or acknowledgements by message, the first of each. */
  timesOf(session: string, role: Role): ReadonlyMap<number, number>
  /** What the application was told, e.g. `push: …`. */
  readonly failures: readonly string[]
}

export function createJournal(): Journal {
  const successes = new Map<string, SessionEvent[]>()
  const failures: string[] = []
  let rest = ''

  const of = (session: string, role: Role): readonly SessionEvent[] => successes.get(`${session} ${role}`) ?? []

  /** Reports of scenarios are on the same output. */
  function note(one: SessionEvent | { readonly session?: undefined }): void {
    if (one.session === undefined) return
    if (one.event === 'failed') {
      failures.push(`${one.by}: ${one.detail}`)
      return
    }
    const key = `${one.session} ${one.by}`
    const events = successes.get(key) ?? []
    successes.set(key, events)
    events.push(one)
  }

  function timesOf(session: string, role: Role): Map<number, number> {
    const times = new Map<number, number>()
    for (const { seq = 0, ms } of of(session, role)) if (!times.has(seq)) times.set(seq, ms)
    return times
  }

  return {
    failures,
    timesOf,
    read(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('{')) note(JSON.parse(line) as SessionEvent)
    },
    longestWaitMs(session, role, fromMs, toMs) {
      const within = of(session, role).flatMap(({ ms }) => (ms > fromMs && ms < toMs ? [ms] : []))
      const times = [fromMs, ...within.toSorted((one, other) => one - other), toMs]
      return Math.max(...times.slice(1).map((ms, index) => ms - (times[index] ?? 0)))
    },
    missing(session, role, untilMs) {
      const received = timesOf(session, role)
      const acknowledged = of(session, 'producer').filter(({ ms }) => ms <= untilMs)
      return acknowledged.flatMap(({ seq = 0 }) => (received.has(seq) ? [] : [seq]))
    },
  }
}
