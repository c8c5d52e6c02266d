// The store's table in the report.
import { whole } from '../report/format.ts'
import { tableOf } from '../report/table.ts'
import type { GrowthCurve, StoreFigures } from './figures.ts'
import { commitShare, growthRatio } from './store-floors.ts'

const MIB = 1024 * 1024
const BAR_CHARS = 30

/** Lines from the heading on. */
export function storeMarkdown(figures: StoreFigures): string[] {
  const { append, commits, sequential, cold, growth, drain, scan, restart, manyQueues } = figures
  const share = (of: number, by: number) => (of / by).toFixed(2)
  return [
    '## Store',
    '',
    'In process, without sockets: Turns of appends, one write each, dispatch and checkpoints in the background. CPU is that',
    'of the whole process. Cold means that the page cache of this machine was asked to forget the files; what lies below it',
    'may remember them, for the probe as for us.',
    '',
    ...tableOf(
      ['Store', 'Ours', 'Probe', 'Ratio'],
      [
        [
          'append 1 KiB, CPU µs (user + system)',
          `${append.cpuUs.toFixed(2)} (${append.userUs.toFixed(2)} + ${append.systemUs.toFixed(2)})`,
          '',
          '',
        ],
        [
          '16 KiB sequential, MiB/s',
          whole(sequential.mibPerSecond),
          whole(sequential.probeMibPerSecond),
          share(sequential.mibPerSecond, sequential.probeMibPerSecond),
        ],
        [
          'cold backlog of 1 KiB, MiB/s',
          whole(cold.mibPerSecond),
          whole(cold.probeMibPerSecond),
          share(cold.mibPerSecond, cold.probeMibPerSecond),
        ],
        [`full scan of ${whole(scan.bytes / MIB)} MiB, MiB/s`, whole(scan.mibPerSecond), '', ''],
        [
          `ready with ${whole(restart.retainedBytes / MIB)} MiB, clean / killed, ms`,
          `${whole(restart.cleanMs)} / ${whole(restart.killedMs)}`,
          '',
          '',
        ],
      ],
    ),
    '',
    ...tableOf(
      [
        'Sync sends under way',
        'msg/s',
        'mean batch',
        'p50 µs',
        'p99',
        'probe syncs/s of that batch',
        'probe p50 µs',
        '… in the pool',
        'ratio of syncs',
      ],
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
      ]),
    ),
    '',
    ...tableOf(
      [`Sync sends, ${whole(drain.sendsPerSecond)}/s`, 'p50 µs', 'p90', 'p99', 'p99.9', 'max'],
      [
        ['alone', drain.alone],
        [`during a cold drain of ${whole(drain.drainMibPerSecond)} MiB/s`, drain.during],
      ].map(([what, summary]) => {
        const { p50, p90, p99, p999, max } = summary as typeof drain.alone
        return [what as string, ...[p50, p90, p99, p999, max].map(whole)]
      }),
    ),
    '',
    ...tableOf(
      ['Queues', 'messages', 'RSS MiB after sends', '… started again', '… after SIGKILL'],
      manyQueues.map(({ topics, queuesPerTopic, messages, rssMib, restartedRssMib, killedRssMib }) => [
        `${topics} × ${queuesPerTopic}`,
        whole(messages),
        rssMib === undefined ? '–' : whole(rssMib),
        restartedRssMib === undefined ? '–' : whole(restartedRssMib),
        killedRssMib === undefined ? '–' : whole(killedRssMib),
      ]),
    ),
    '',
    ...growth.flatMap(curveLines),
  ]
}

/** CPU per message as bars: flat is what it should be. */
function curveLines(curve: GrowthCurve): string[] {
  const max = Math.max(...curve.points.map(({ cpuUs }) => cpuUs))
  const rows = curve.points.map(({ at, cpuUs }) => [
    whole(at),
    cpuUs.toFixed(2),
    `\`${'█'.repeat(Math.max(1, Math.round((cpuUs / max) * BAR_CHARS)))}\``,
  ])
  return [
    ...tableOf(
      [
        curve.unit === curve.what ? curve.what : `${curve.what}, ${curve.unit}`,
        'CPU µs per message',
        `dearest ÷ cheapest: ${growthRatio(curve)?.toFixed(2) ?? '–'}`,
      ],
      rows,
    ),
    '',
  ]
}
