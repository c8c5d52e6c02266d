// The store's table in the report.
import { whole } from '../report/format.ts'
import { tableOf } from '../report/table.ts'
import type { LatencySummary } from '../histogram.ts'
import type {
  CommitFigures,
  DrainFigures,
  GrowthCurve,
  ManyQueuesFigures,
  RateFigures,
  StoreFigures,
} from './figures.ts'
import { commitShare, growthRatio } from './store-floors.ts'

const MIB = 1024 * 1024
const BAR_CHARS = 30

/** Lines from the heading on; parts that were not asked for are left out. */
export function storeMarkdown(figures: StoreFigures): string[] {
  const { commits, growth = [], drain, manyQueues } = figures
  const rates = rateRows(figures)
  return [
    '## Store',
    '',
    'In process, without sockets: Turns of appends, one write each, dispatch and checkpoints in the background. CPU is that',
    'of the whole process. Cold means that the page cache of this machine was asked to forget the files; what lies below it',
    'may remember them, for the probe as for us. Rounds of ours and of the probe take turns; a round of ours is judged by the',
    'mean of the probes right before and after it, and a floor by the round in the middle.',
    '',
    ...(rates.length === 0 ? [] : [...tableOf(['Store', 'Ours', 'Probe', 'Ratio', 'All rounds'], rates), '']),
    ...(commits === undefined ? [] : commitLines(commits)),
    ...(drain === undefined ? [] : drainLines(drain)),
    ...(manyQueues === undefined ? [] : queueLines(manyQueues)),
    ...growth.flatMap(curveLines),
  ]
}

function rateRows({ append, sequential, cold, scan, restart }: StoreFigures): string[][] {
  const rows: string[][] = []
  if (append !== undefined) {
    const { cpuUs, userUs, systemUs, bareCpuUs, runs } = append
    rows.push([
      'append 1 KiB, CPU µs (user + system); probe: CRC, copy and write of the same bytes',
      `${cpuUs.toFixed(2)} (${userUs.toFixed(2)} + ${systemUs.toFixed(2)})`,
      bareCpuUs.toFixed(2),
      (cpuUs / bareCpuUs).toFixed(2),
      spreadOf(runs.map((run) => run.cpuUs)),
    ])
  }
  if (sequential !== undefined) rows.push(rateRow('16 KiB sequential, MiB/s', sequential))
  if (cold !== undefined) {
    const cached = `${whole(cold.cachedProbeMibPerSecond)} through the page cache`
    const way = cold.probeWay === 'direct' ? 'direct reads of 1 MiB' : 'no direct reads here, reads of 1 MiB'
    rows.push(rateRow(`cold backlog of 1 KiB, MiB/s; probe: ${way} (${cached})`, cold))
  }
  if (scan !== undefined) {
    rows.push([`full scan of ${whole(scan.bytes / MIB)} MiB, MiB/s`, whole(scan.mibPerSecond), '', '', ''])
  }
  if (restart !== undefined) {
    const { retainedBytes, cleanMs, killedMs } = restart
    const name = `ready with ${whole(retainedBytes / MIB)} MiB, clean / killed, ms`
    rows.push([name, `${whole(cleanMs)} / ${whole(killedMs)}`, '', '', ''])
  }
  return rows
}

function rateRow(name: string, { mibPerSecond, probeMibPerSecond, ratios }: RateFigures): string[] {
  const ratio = (mibPerSecond / probeMibPerSecond).toFixed(2)
  return [name, whole(mibPerSecond), whole(probeMibPerSecond), ratio, spreadOf(ratios)]
}

/** The lowest, the quartiles around the middle, and the highest. */
function spreadOf(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2)
  return `${at(0)} … ${at(0.25)} – ${at(0.75)} … ${at(1)}, ${sorted.length} rounds`
}

function commitLines(commits: readonly CommitFigures[]): string[] {
  const columns = ['Sync sends under way', 'msg/s', 'mean batch', 'p50 µs', 'p99', 'probe syncs/s of that batch']
  return [
    ...tableOf(
      [...columns, 'probe p50 µs', '… in the pool', 'ratio of syncs', 'all rounds'],
      commits.map((commit) => [
        String(commit.inFlight),
        whole(commit.perSecond),
        commit.meanBatch.toFixed(1),
        whole(commit.latencyUs.p50),
        whole(commit.latencyUs.p99),
        whole(commit.probe.syncsPerSecond),
        whole(commit.probe.p50Us),
        whole(commit.probe.pooledP50Us),
        commitShare(commit).toFixed(2),
        spreadOf(commit.shares),
      ]),
    ),
    '',
  ]
}

function drainLines({ sendsPerSecond, alone, during, drainMibPerSecond }: DrainFigures): string[] {
  const row = (what: string, { p50, p90, p99, p999, max }: LatencySummary) => [
    what,
    ...[p50, p90, p99, p999, max].map(whole),
  ]
  return [
    ...tableOf(
      [`Sync sends, ${whole(sendsPerSecond)}/s`, 'p50 µs', 'p90', 'p99', 'p99.9', 'max'],
      [row('alone', alone), row(`during a cold drain of ${whole(drainMibPerSecond)} MiB/s`, during)],
    ),
    '',
  ]
}

function queueLines(manyQueues: readonly ManyQueuesFigures[]): string[] {
  const mib = (value: number | undefined) => (value === undefined ? '–' : whole(value))
  return [
    ...tableOf(
      ['Queues', 'messages', 'RSS MiB after sends', '… started again', '… after SIGKILL'],
      manyQueues.map(({ topics, queuesPerTopic, messages, rssMib, restartedRssMib, killedRssMib }) => [
        `${topics} × ${queuesPerTopic}`,
        whole(messages),
        mib(rssMib),
        mib(restartedRssMib),
        mib(killedRssMib),
      ]),
    ),
    '',
  ]
}

/** CPU per message, as bars by what it costs in a young store: flat is what it should be. */
function curveLines(curve: GrowthCurve): string[] {
  const max = Math.max(...curve.points.map(({ cpuUs, youngUs }) => cpuUs / youngUs))
  const rows = curve.points.map(({ at, cpuUs, youngUs }) => [
    whole(at),
    cpuUs.toFixed(2),
    youngUs.toFixed(2),
    `\`${'█'.repeat(Math.max(1, Math.round((cpuUs / youngUs / max) * BAR_CHARS)))}\``,
  ])
  return [
    ...tableOf(
      [
        curve.unit === curve.what ? curve.what : `${curve.what}, ${curve.unit}`,
        'CPU µs per message',
        'a young store of one queue, in turns',
        `dearest ÷ cheapest: ${growthRatio(curve)?.toFixed(2) ?? '–'}`,
      ],
      rows,
    ),
    '',
  ]
}
