// What the same programs find with Apache's servers. Where a client has no such feature with us it may not have it there
// either; what is ours alone is listed here, and why.
import { FEATURES } from './expected.ts'
import type { LanguageName } from './languages.ts'

/** Served by us and not by Apache's servers of the version in apache/pom.xml: why, by scenario. */
const LACKS: Readonly<Record<string, string>> = {
  'topic-created': 'its proxy creates no topics',
  'group-disabled': 'told as an error inside the server, 50001',
  'client-stack': 'its brokers do not list the clients of proxies',
  'client-verify': 'its brokers do not list the clients of proxies',
  'message-trace': 'its brokers keep no trace that a client did not write',
  dedup: 'it stores whatever is sent',
  'settings-pushed': 'its proxy tells settings when a client asks, every 5 minutes',
  'send-batch': 'it answers with one entry for all messages',
}

/** What Apache's servers do at times: a cell that ends so is not compared. */
const FLAWS: readonly { readonly scenario?: string; readonly pattern: RegExp; readonly reason: string }[] = [
  // Those of Rust have it.
  {
    pattern: /stream error received: stream no longer needed/,
    reason: 'a poll whose deadline is its length is cancelled',
  },
  {
    scenario: 'group-reset',
    pattern: /attempts: \[2|attempt is not 1|attempt 2/,
    reason: 'what was acknowledged right before a reset comes again as a retry',
  },
]

/** What a cell has to be with Apache's servers, and what the table shows. */
export function apacheVerdict(
  name: LanguageName,
  scenario: string,
  cell: string,
): { readonly isExpected: boolean; readonly expected: string; readonly shown: string } {
  const flaw = FLAWS.find((one) => (one.scenario ?? scenario) === scenario && one.pattern.test(cell))
  if (flaw !== undefined) return { isExpected: true, expected: cell, shown: `none: not compared, ${flaw.reason}` }
  const lack = LACKS[scenario]
  if (lack !== undefined)
    return {
      isExpected: cell !== 'ok',
      expected: `a failure: ${lack}`,
      shown: cell.startsWith('none: ') ? cell : `none: ${lack}`,
    }
  const ours = FEATURES[scenario]?.cells[name]
  if (ours === 'ok') return { isExpected: cell === 'ok', expected: 'ok, as with our servers', shown: 'ok' }
  return { isExpected: cell !== 'ok', expected: `no such feature, as with our servers: ${ours}`, shown: cell }
}
