// What order by message group must keep, and its lines in the report.
import { OTHERS_SHARE_MAX } from '../floors.ts'
import { whole } from '../report/format.ts'
import type { Verdict } from '../report/report.ts'
import { tableOf } from '../report/table.ts'
import type { OrderFigures } from './order-bench.ts'

/**
 * CPU of a message in so many message groups to that in any smaller number of them, at most. One group is dear by itself:
 * its messages come one batch after the other, so there is less to gather into one Turn.
 */
export const ORDER_RATIO_MAX = 1.5

/** The ratio; undefined where the platform does not tell a cost. */
function ratioOf({ costs }: OrderFigures): number | undefined {
  const known = costs.flatMap(({ cpuUs }) => cpuUs ?? [])
  if (known.length < costs.length) return undefined
  return Math.max(...known.slice(1).map((cpuUs, index) => cpuUs / Math.min(...known.slice(0, index + 1))))
}

/** One verdict; a quick run is not judged. */
export function judgeOrder(figures: OrderFigures, sizeName: 'full' | 'quick'): Verdict {
  const counts = figures.costs.map(({ messageGroups }) => whole(messageGroups))
  const name = `order: CPU per message, ${counts[0]} to ${counts.at(-1)} message groups`
  if (sizeName === 'quick') return { name, outcome: 'skipped', detail: 'a quick run is no measurement' }
  const ratio = ratioOf(figures)
  if (ratio === undefined) return { name, outcome: 'skipped', detail: 'this platform does not tell it' }
  const detail = `${ratio.toFixed(2)} × that of fewer groups, at most ${ORDER_RATIO_MAX} ×`
  if (ratio <= ORDER_RATIO_MAX) return { name, outcome: 'passed', detail }
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
