// What filters must keep, and their lines in the report.
import { judgeFloor } from '../floor.ts'
import { whole } from '../report/format.ts'
import type { Verdict } from '../report/report.ts'
import { tableOf } from '../report/table.ts'
import { type FilterFigures, type FilterKind, ONE_IN } from './filter-bench.ts'

/** Messages that a broker looks at in a second of CPU time. */
export const FILTERED_PER_CPU_SECOND_MIN: Readonly<Record<FilterKind, number>> = { tag: 300_000, sql: 150_000 }

/** One verdict for each kind; none is judged in a quick run. */
export function judgeFilters({ speeds, othersShare }: FilterFigures, sizeName: 'full' | 'quick'): Verdict[] {
  return speeds.map(({ kind, perCpuSecond }) => {
    const floor = {
      name: `filters: ${kind}, one message in ${ONE_IN}`,
      value: perCpuSecond,
      min: FILTERED_PER_CPU_SECOND_MIN[kind],
      unit: ' messages per CPU second',
      dependsOnOthers: true,
    }
    return judgeFloor(floor, sizeName, othersShare)
  })
}

/** Lines from the heading on. */
export function filterMarkdown({ speeds }: FilterFigures): string[] {
  return [
    '## Filters',
    '',
    `A backlog of messages of 1 KiB is popped by a group that wants one in ${ONE_IN}. CPU is that of the whole broker per`,
    'message that it looked at, with the answers.',
    '',
    ...tableOf(
      ['Filter', 'Expression', 'Messages', 'CPU µs/msg, each run', 'msg per CPU second'],
      speeds.map(({ kind, expression, messages, cpuUsPerMessage, perCpuSecond }) => [
        kind,
        expression,
        whole(messages),
        cpuUsPerMessage.map((us) => us?.toFixed(2) ?? '–').join(' '),
        perCpuSecond === undefined ? '–' : whole(perCpuSecond),
      ]),
    ),
    '',
  ]
}
