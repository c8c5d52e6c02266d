// What delayed messages must keep, and their lines in the report.
import { dearestToCheapest, type Floor, judgeFloor } from '../floor.ts'
import type { LatencySummary } from '../histogram.ts'
import { whole } from '../report/format.ts'
import { medianOf, type Verdict } from '../report/report.ts'
import { tableOf } from '../report/table.ts'
import type { Burst, DelayFigures } from './delay-bench.ts'

/** Resident memory that all pending messages take together, beside what the sends themselves take. */
export const PENDING_RSS_MIB_MAX = 200
/** From the time that a message is due to its arrival at a consumer that waits, 99 of 100. */
export const LATE_P99_MS_MAX = 100
/** A send with the most messages pending to one with the fewest, dearest to cheapest. */
export const PENDING_RATIO_MAX = 1.5
/**
 * What very many messages that are due add to the p99 of sends. The broker is full meanwhile, so a send waits for the Turn
 * under way, and its own has deliveries beside it: about a millisecond each. The rest is room for collections of garbage.
 */
export const BESIDE_P99_MS_MAX = 10
/** They are in their topic within so many times the time that they are due in. */
export const DRAIN_RATIO_MAX = 2

const US_PER_MS = 1000

function growthOf({ rssBeforeMiB, rssMostMiB }: DelayFigures): number | undefined {
  return rssBeforeMiB === undefined || rssMostMiB === undefined ? undefined : rssMostMiB - rssBeforeMiB
}

/** A verdict for each floor; a quick run is not judged. */
export function judgeDelay(figures: DelayFigures, sizeName: 'full' | 'quick'): Verdict[] {
  const { costs, lateness, bursts } = figures
  const [{ messages: atOnce }] = bursts as [Burst]
  const [fewest, most] = [whole(costs[0]!.pending), whole(costs.at(-1)!.pending)]
  const floors: readonly Floor[] = [
    {
      name: `delay: growth of resident memory by ${most} pending`,
      value: growthOf(figures),
      max: PENDING_RSS_MIB_MAX,
      unit: ' MiB',
      dependsOnOthers: false,
    },
    {
      name: `delay: CPU per send, ${fewest} to ${most} pending, dearest ÷ cheapest`,
      value: dearestToCheapest(costs.map(({ plainCpuUs }) => plainCpuUs)),
      max: PENDING_RATIO_MAX,
      unit: '',
      dependsOnOthers: true,
    },
    {
      name: `delay: CPU per delayed send on the way to ${most} pending, dearest ÷ cheapest`,
      value: dearestToCheapest(costs.map(({ delayedCpuUs }) => delayedCpuUs)),
      max: PENDING_RATIO_MAX,
      unit: '',
      dependsOnOthers: true,
    },
    {
      name: 'delay: lateness p99',
      value: lateness.receivedUs.p99 / US_PER_MS,
      max: LATE_P99_MS_MAX,
      unit: ' ms',
      dependsOnOthers: true,
    },
    {
      name: 'delay: messages that came early',
      value: lateness.early + bursts.reduce((sum, burst) => sum + burst.early, 0),
      max: 0,
      unit: '',
      dependsOnOthers: false,
    },
    {
      name: `delay: p99 of sends while ${whole(atOnce)} are due − alone`,
      value: medianOf(bursts.map(({ besideUs, aloneUs }) => (besideUs.p99 - aloneUs.p99) / US_PER_MS)),
      max: BESIDE_P99_MS_MAX,
      unit: ' ms',
      dependsOnOthers: true,
    },
    {
      name: `delay: time until ${whole(atOnce)} are delivered ÷ time that they are due in`,
      value: medianOf(bursts.map(({ drainMs, dueMs }) => drainMs / dueMs)),
      max: DRAIN_RATIO_MAX,
      unit: '',
      dependsOnOthers: true,
    },
  ]
  return floors.map((floor) => judgeFloor(floor, sizeName, figures.othersShare))
}

function latencyRow(what: string, { p50, p90, p99, p999, max }: LatencySummary): string[] {
  return [what, ...[p50, p90, p99, p999, max].map((us) => (us / US_PER_MS).toFixed(2))]
}

/** Lines from the heading on. */
export function delayMarkdown(figures: DelayFigures): string[] {
  const { rssBeforeMiB, rssMostMiB, costs, lateness, bursts } = figures
  const [{ messages: atOnce, dueMs }] = bursts as [Burst]
  const rss = [rssBeforeMiB, rssMostMiB].map((mib) => mib?.toFixed(0) ?? '–')
  return [
    '## Delayed messages',
    '',
    `Sends of 256 bytes, 64 under way. Before the first delayed message the broker takes ${rss[0]} MiB, and ${rss[1]} MiB at most`,
    `while they come. Then ${whole(lateness.messages)} are due one after the other, and ${whole(atOnce)} at a time within`,
    `${dueMs} ms beside sends at a fixed rate: all of these are in their topic after`,
    `${bursts.map(({ drainMs }) => whole(drainMs)).join(', ')} ms, for ${bursts.map(({ cpuUs }) => cpuUs?.toFixed(1) ?? '–').join(', ')} µs of CPU each.`,
    '',
    ...tableOf(
      ['Pending', 'CPU µs per send', '… per delayed send, until then', 'RSS MiB'],
      costs.map(({ pending, plainCpuUs, delayedCpuUs, rssMiB }) => [
        whole(pending),
        plainCpuUs?.toFixed(1) ?? '–',
        delayedCpuUs?.toFixed(1) ?? '–',
        rssMiB?.toFixed(0) ?? '–',
      ]),
    ),
    '',
    ...tableOf(
      ['ms', 'p50', 'p90', 'p99', 'p99.9', 'max'],
      [
        latencyRow('lateness, at the consumer', lateness.receivedUs),
        latencyRow('lateness, when stored', lateness.storedUs),
        ...bursts.flatMap(({ aloneUs, besideUs }) => [
          latencyRow('sends alone', aloneUs),
          latencyRow(`sends while ${whole(atOnce)} are due`, besideUs),
        ]),
      ],
    ),
    '',
  ]
}
