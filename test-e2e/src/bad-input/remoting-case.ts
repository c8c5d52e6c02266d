// Runs a row of the remoting tables on a connection of its own.
import type { Ports } from '../free-ports.ts'
import type { RemotingCase } from './remoting-requests.ts'
import { exchange } from './remoting-wire.ts'

/** So long nothing must come where nothing is expected. */
const SILENCE_MS = 300
const SHOWN_CHARS = 300

/** Undefined: as expected. Otherwise what came instead. */
export async function differenceOf(ports: Ports, row: RemotingCase): Promise<string | undefined> {
  const { port, pieces, end = false, expected, names = '' } = row
  const waiting = expected === 'silent' ? { waitMs: SILENCE_MS } : {}
  const outcome = await exchange(ports[port], pieces, { end, ...waiting })
  if (outcome.kind !== 'answered')
    return outcome.kind === expected ? undefined : `${expected} expected, ${outcome.kind}`
  const { code, remark } = outcome.reply
  if (code !== expected) return `${expected} expected, not ${code}: ${remark.slice(0, SHOWN_CHARS)}`
  if (!remark.includes(names)) return `${names} is not named in: ${remark.slice(0, SHOWN_CHARS)}`
  return undefined
}
