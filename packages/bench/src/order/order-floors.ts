// What order by message group must keep, and its lines in the report.
import { OTHERS_SHARE_MAX } from '../floors.ts'
import { whole } from '../report/format.ts'
import type { Verdict } from '../report/report.ts'
import { tableOf } from '../report/table.ts'
import { GROWTH_RATIO_MAX } from '../store/store-floors.ts'
import type { OrderFigures } from './order-bench.ts'

/** The dearest number of message groups against the cheapest; undefined where the platform does not tell a cost. */
function ratioOf({ costs }: OrderFigures): number | undefined {
  const known = costs.flatMap(({ cpuUs }) => cpuUs ?? [])
  return known.length < costs.length ? undefined : Math.max(...known) / Math.min(...known)
}

/** One verdict; a quick run is not judged. */
export function judgeOrder(figures: OrderFigures, sizeName: 'full' | 'quick'): Verdict {
  const counts = figures.costs.map(({ messageGroups }) => whole(messageGroups))
  const name = `order: CPU per message, ${counts[0]} to ${counts.at(-1)} message groups`
  if (sizeName === 'quick') return { name, outcome: 'skipped', detail: 'a quick run is no measurement' }
  const ratio = ratioOf(figures)
  if (ratio === undefined) return { name, outcome: 'skipped', detail: 'this platform does not tell it' }
  const detail = `dearest ÷ cheapest ${ratio.toFixed(2)}, at most ${GROWTH_RATIO_MAX}`
  if (ratio <= GROWTH_RATIO_MAX) return { name, outcome: 'passed', detail }
  if (figures.othersShare <= OTHERS_SHARE_MAX) return { name, outcome: 'failed', detail }
  const others = `others used ${(figures.othersShare * 100).toFixed(0)} % of the cores just before or after`
  return { name, outcome: 'skipped', detail: `${detail}, but ${others}: run it on a quiet machine` }
}

/** Lines from the heading on. */
export function orderMarkdown({ messages, costs }: OrderFigures): string[] {
  return [
    '## Messages in order',
    '',
    `${whole(messages)} messages are popped by eight consumers of a group that is in order by message group, and each is`,
    'acknowledged by a call of its own. CPU is that of the whole broker.',
    '',
    ...tableOf(
      ['Message groups', 'CPU µs/msg, each run', 'median'],
      costs.map(({ messageGroups, cpuUsPerMessage, cpuUs }) => [
        whole(messageGroups),
        cpuUsPerMessage.map((us) => us?.toFixed(2) ?? '–').join(' '),
        cpuUs?.toFixed(2) ?? '–',
      ]),
    ),
    '',
  ]
}
