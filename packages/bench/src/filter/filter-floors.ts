// What filters must keep, and their lines in the report.
import { OTHERS_SHARE_MAX } from '../floors.ts'
import { whole } from '../report/format.ts'
import type { Verdict } from '../report/report.ts'
import { tableOf } from '../report/table.ts'
import { type FilterFigures, type FilterKind, type FilterSpeed, ONE_IN } from './filter-bench.ts'

/** Messages that a broker looks at in a second of CPU time. */
export const FILTERED_PER_CPU_SECOND_MIN: Readonly<Record<FilterKind, number>> = { tag: 300_000, sql: 150_000 }

/** One verdict for each kind; none is judged in a quick run. */
export function judgeFilters({ speeds, othersShare }: FilterFigures, sizeName: 'full' | 'quick'): Verdict[] {
  return speeds.map((speed) => judge(speed, sizeName, othersShare))
}

function judge({ kind, perCpuSecond }: FilterSpeed, sizeName: 'full' | 'quick', othersShare: number): Verdict {
  const name = `filters: ${kind}, one message in ${ONE_IN}`
  const min = FILTERED_PER_CPU_SECOND_MIN[kind]
  if (sizeName === 'quick') return { name, outcome: 'skipped', detail: 'a quick run is no measurement' }
  if (perCpuSecond === undefined) return { name, outcome: 'skipped', detail: 'this platform does not tell it' }
  const detail = `${whole(perCpuSecond)} messages per CPU second, at least ${whole(min)}`
  if (perCpuSecond >= min) return { name, outcome: 'passed', detail }
  if (othersShare <= OTHERS_SHARE_MAX) return { name, outcome: 'failed', detail }
  const others = `others used ${(othersShare * 100).toFixed(0)} % of the cores just before or after`
  return { name, outcome: 'skipped', detail: `${detail}, but ${others}: run it on a quiet machine` }
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
