// The program of one language with its sessions: one through the balancer, one that idles.
import { FEATURES } from '../sdk/expected.ts'
import { buildOnce, type Language } from '../sdk/languages.ts'
import { outputOf, type Program, startProgram } from '../sdk/program.ts'
import type { Rmq } from '../sdk/rmq.ts'
import { expectThat } from '../steps.ts'
import { createJournal, type Journal, type Role } from './journal.ts'

export const BUSY = 'session'
export const IDLE = 'idle-session'

export interface Clients {
  readonly language: Language
  readonly program: Program
  readonly journal: Journal
  readonly roles: readonly Role[]
}

export interface ClientsOptions {
  readonly language: Language
  /** `host:port` that stands for all proxies. */
  readonly endpoints: string
  /** `host:port` for the session that idles. */
  readonly quietEndpoints: string
  readonly rmq: Rmq
  /** Of the clients' logs. */
  readonly home: string
}

/** Builds and starts it; resolves when all of its clients are connected. */
export async function startClients(options: ClientsOptions): Promise<Clients> {
  const { language, endpoints, quietEndpoints, rmq, home } = options
  const { name } = language
  const command = await buildOnce(language)
  await Promise.all([BUSY, IDLE].map((session) => rmq.createTopic(`${name}-${session}`, 1)))
  const journal = createJournal()
  const program = startProgram({
    command,
    endpoints: [endpoints],
    prefix: name,
    scenarios: [BUSY, `${IDLE}@${quietEndpoints}`],
    home,
    onOutput: (text) => journal.read(text),
  })
  for (const session of [BUSY, IDLE]) {
    const report = await program.reportOf(session)
    expectThat(report?.ok === true, `${session}: ${report?.detail ?? outputOf(program)}`)
  }
  const hasPush = FEATURES['push']?.cells[name] === 'ok'
  return { language, program, journal, roles: hasPush ? ['producer', 'simple', 'push'] : ['producer', 'simple'] }
}
