// Clocks that are far off: a broker's, which the proxy tells of and does not mind, and a client's, which nobody needs.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mistake } from './mistake.ts'
import type { Part } from '../parts.ts'
import { logWith, outputOf, type Person } from './person.ts'

/** The environment of a Node process whose clock is so far ahead; negative: behind. */
export function clockEnv(scratch: string, aheadMs: number): Readonly<Record<string, string>> {
  const path = join(scratch, `clock-${aheadMs}.mjs`)
  writeFileSync(path, `const now = Date.now\nDate.now = () => now() + ${aheadMs}\n`)
  return { NODE_OPTIONS: `--import=${path}` }
}

export interface ShiftedCluster {
  readonly what: string
  readonly aheadMs: number
  readonly proxy: Part
}

/** `topic` exists on all of them. */
export function wrongClocks(person: Person, clusters: readonly ShiftedCluster[], topic: string): Mistake[] {
  return clusters.map(({ what, aheadMs, proxy }) => ({
    name: `clock: a broker an hour ${what} → messages are received and acknowledged; the log of the proxy tells`,
    async read() {
      await person.program(0, 'send', proxy.address, topic)
      await person.program(0, 'receive', proxy.address, topic, 'clock-readers')
      return logWith(proxy.logFile, 0, 'broker.clock-differs')
    },
    // A few seconds may lie between the pop and its arrival on a busy machine.
    cause: new RegExp(`"event":"broker.clock-differs".*"aheadMs":${aheadMs < 0 ? '-36' : '3[56]'}\\d{5}\\b`),
    remedy: 'set the clocks of both machines by NTP',
  }))
}

/** Sends and receives with a client whose clock is off; resolves when all of it went as usual. */
export async function shiftedClient(program: string, env: Readonly<Record<string, string>>, proxy: Part, home: string) {
  for (const step of ['send', 'receive']) {
    await outputOf(0, [program, step, proxy.address, 'clock-client', 'clock-client-readers'], { home, env })
  }
}
