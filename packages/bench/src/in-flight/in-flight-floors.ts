// What a receive with its acks must keep however much is in flight, and its lines in the report.
import { dearestToCheapest, judgeFloor } from '../floor.ts'
import { whole } from '../report/format.ts'
import type { Verdict } from '../report/report.ts'
import { tableOf } from '../report/table.ts'
import { GROWTH_RATIO_MAX } from '../store/store-floors.ts'
import type { InFlightFigures } from './in-flight-bench.ts'

/** One verdict for entries and one for groups; a quick run is not judged. */
export function judgeInFlight(figures: InFlightFigures, sizeName: 'full' | 'quick'): Verdict[] {
  const curves = [
    { what: 'entries', counts: figures.entries.map(({ entries }) => entries), costs: figures.entries },
    { what: 'groups', counts: figures.groups.map(({ groups }) => groups), costs: figures.groups },
  ]
  return curves.map(({ what, counts, costs }) => {
    const floor = {
      name: `in flight: CPU of a receive and an ack, ${whole(counts[0]!)} to ${whole(counts.at(-1)!)} ${what}, dearest ÷ cheapest`,
      value: dearestToCheapest(costs.map(({ cpuUs }) => cpuUs)),
      max: GROWTH_RATIO_MAX,
      unit: '',
      dependsOnOthers: true,
    }
    return judgeFloor(floor, sizeName, figures.othersShare)
  })
}

/** Lines from the heading on. */
export function inFlightMarkdown({ messages, rssBeforeMiB, entries, groups }: InFlightFigures): string[] {
  const rowOf = (
    count: number,
    { cpuUsPerMessage, cpuUs, rssMiB }: InFlightFigures['groups'][number] | InFlightFigures['entries'][number],
  ) => [
    whole(count),
    cpuUsPerMessage.map((us) => us?.toFixed(2) ?? '–').join(' '),
    cpuUs?.toFixed(2) ?? '–',
    rssMiB?.toFixed(0) ?? '–',
  ]
  const columns = ['CPU µs/msg, each run', 'mean', 'RSS MiB']
  return [
    '## In flight',
    '',
    `${whole(messages)} messages are popped by eight consumers, 32 at a time, and each is acknowledged by a call of its own. CPU is`,
    'that of the whole broker. Brokers with one group each hold more and more deliveries, each an entry of its own; before the',
    `first of them one takes ${rssBeforeMiB?.toFixed(0) ?? '–'} MiB. Then, at one broker, more and more groups take in turns. Runs of all points take turns.`,
    '',
    ...tableOf(
      ['Entries', ...columns],
      entries.map((cost) => rowOf(cost.entries, cost)),
    ),
    '',
    ...tableOf(
      ['Groups', ...columns],
      groups.map((cost) => rowOf(cost.groups, cost)),
    ),
    '',
  ]
}
