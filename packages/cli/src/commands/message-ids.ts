// Message ids as 5.x clients make them: 01, six bytes of the machine, two of the process, seconds since 2021, a counter.
// The machine and the process are random here: rmq is a new process each time.
import type { CliEffects } from '../host.ts'

const EPOCH_2021_S = 1_609_459_200
const VERSION = '01'

export function createMessageIds({ clock, random }: Pick<CliEffects, 'clock' | 'random'>): { next(): string } {
  const maker = Buffer.from(random.bytes(8)).toString('hex')
  let sequence = 0
  return {
    next() {
      const tail = Buffer.alloc(8)
      tail.writeUInt32BE((Math.floor(clock.nowMs() / 1000) - EPOCH_2021_S) >>> 0, 0)
      tail.writeUInt32BE(sequence, 4)
      sequence = (sequence + 1) >>> 0
      return `${VERSION}${maker}${tail.toString('hex')}`.toUpperCase()
    },
  }
}
