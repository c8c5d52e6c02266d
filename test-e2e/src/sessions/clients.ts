// The program of one language with its sessions: one through the balancer, one that idles.
import { FEATURES } from '../sdk/expected.ts'
import type { Language } from '../sdk/languages.ts'
import { outputOf, type Program, startProgram } from '../sdk/program.ts'
import { expectThat } from '../steps.ts'
import type { SessionCluster } from './cluster.ts'
import { createJournal, type Journal, type Role } from './journal.ts'

export const BUSY = 'session'
export const IDLE = 'idle-session'

export interface Clients {
  readonly language: Language
  readonly program: Program
  readonly journal: Journal
  readonly roles: readonly Role[]
}

/** Starts what was built; resolves when all of its clients are connected. `home` gets their logs. */
export async function startClients(
  language: Language,
  command: readonly string[],
  { balancer, quietEndpoints, rmq }: SessionCluster,
  home: string,
): Promise<Clients> {
  const { name } = language
  await Promise.all([BUSY, IDLE].map((session) => rmq.createTopic(`${name}-${session}`, 1, 'NORMAL')))
  const journal = createJournal()
  const program = startProgram({
    command,
    endpoints: [balancer.address],
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
