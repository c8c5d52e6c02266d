// What order by message group must keep, and its lines in the report.
import { dearestToCheapest, judgeFloor } from '../floor.ts'
import { whole } from '../report/format.ts'
import type { Verdict } from '../report/report.ts'
import { tableOf } from '../report/table.ts'
import { GROWTH_RATIO_MAX } from '../store/store-floors.ts'
import type { OrderFigures } from './order-bench.ts'

/** One verdict; a quick run is not judged. */
export function judgeOrder(figures: OrderFigures, sizeName: 'full' | 'quick'): Verdict {
  const counts = figures.costs.map(({ messageGroups }) => whole(messageGroups))
  const floor = {
    name: `order: CPU per message, ${counts[0]} to ${counts.at(-1)} message groups, dearest ÷ cheapest`,
    value: dearestToCheapest(figures.costs.map(({ cpuUs }) => cpuUs)),
    max: GROWTH_RATIO_MAX,
    unit: '',
    dependsOnOthers: true,
  }
  return judgeFloor(floor, sizeName, figures.othersShare)
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
