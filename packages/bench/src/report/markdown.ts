// A report as Markdown; the same tables go to the terminal.
import { delayMarkdown } from '../delay/delay-floors.ts'
import { filterMarkdown } from '../filter/filter-floors.ts'
import { inFlightMarkdown } from '../in-flight/in-flight-floors.ts'
import { orderMarkdown } from '../order/order-floors.ts'
import type { LatencySummary } from '../histogram.ts'
import { storeMarkdown } from '../store/store-markdown.ts'
import { whole } from './format.ts'
import type { Cell, LoadReport, Report, Verdict } from './report.ts'
import { tableOf } from './table.ts'

function tenths(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(1)
}

function ms(us: number | undefined): string {
  return us === undefined ? '–' : (us / 1000).toFixed(us < 10_000 ? 2 : 0)
}

export const CELL_COLUMNS = [
  'Deployment',
  'Workload',
  'msg/s',
  'CPU µs/msg',
  'of each process',
  'p50 ms',
  'p90',
  'p99',
  'p99.9',
  'max',
  'RSS MiB',
  'load CPU µs',
  'others %',
] as const

/** One row of the table of cells. */
export function cellRow({ deployment, flush, workload, generator, median, runs }: Cell): string[] {
  const { processes, latencyUs: latency, offeredPerSecond } = median
  const of = (pick: (summary: LatencySummary) => number) => ms(latency && pick(latency))
  const rates = offeredPerSecond === undefined ? '' : ` of ${whole(offeredPerSecond)}`
  return [
    flush === undefined ? deployment : `${deployment}, ${flush}`,
    `${workload}${generator === 'own' ? '' : ' (h2load)'}${runs.length > 1 ? `, median of ${runs.length}` : ''}`,
    `${whole(median.perSecond)}${rates}`,
    tenths(median.cpuUsPerMessage),
    processes.length < 2
      ? ''
      : processes.map(({ name, cpuUsPerMessage }) => `${name} ${tenths(cpuUsPerMessage)}`).join(', '),
    of(({ p50 }) => p50),
    of(({ p90 }) => p90),
    of(({ p99 }) => p99),
    of(({ p999 }) => p999),
    of(({ max }) => max),
    processes.map(({ rssMiB }) => (rssMiB === undefined ? '–' : whole(rssMiB))).join(' + '),
    tenths(median.loadCpuUsPerMessage),
    median.othersShare === undefined ? '–' : whole(median.othersShare * 100),
  ]
}

export function verdictLine({ name, outcome, detail }: Verdict): string {
  return `${outcome === 'failed' ? 'FAILED' : outcome.padEnd(6)}  ${name}: ${detail}`
}

export function markdownOf(report: Report): string {
  const { load, store, filter, order, inFlight, delay, verdicts } = report
  return [
    '# Benchmark',
    '',
    'Made by `npm run bench`. CPU per message is user and system time of all processes of the system within the measured',
    'window; the load has cores of its own. Latencies of closed loops are those of a full server; at a fixed rate they begin',
    'when a call was meant to start.',
    '',
    ...machineTable(report),
    '## Floors',
    '',
    ...verdicts.filter(({ name }) => !name.startsWith('counts')).map((verdict) => `- ${verdictLine(verdict)}`),
    '',
    ...(load === undefined ? [] : loadLines(load)),
    ...(store === undefined ? [] : storeMarkdown(store)),
    ...(filter === undefined ? [] : filterMarkdown(filter)),
    ...(order === undefined ? [] : orderMarkdown(order)),
    ...(inFlight === undefined ? [] : inFlightMarkdown(inFlight)),
    ...(delay === undefined ? [] : delayMarkdown(delay)),
  ].join('\n')
}

function loadLines({ probes, start, cells, ratios }: LoadReport): string[] {
  return [
    '## Load',
    '',
    ...tableOf(CELL_COLUMNS, cells.map(cellRow)),
    '',
    '## Start',
    '',
    `\`npm start\` is ready after ${whole(start.readyMsMedian)} ms (${start.readyMs.map(whole).join(', ')}); idle it takes ` +
      `${tenths(start.idleRssMiB)} MiB and ${tenths(start.idleCpuPercent)} % of a core.`,
    '',
    '## The machine alone, in the same run',
    '',
    ...tableOf(
      ['Sync: 1 KiB records each', 'syncs/s', 'records/s', 'p50 ms', 'p99', 'max'],
      probes.syncs.map(({ batch, syncsPerSecond, latencyUs: { p50, p99, max } }) => [
        String(batch),
        whole(syncsPerSecond),
        whole(syncsPerSecond * batch),
        ms(p50),
        ms(p99),
        ms(max),
      ]),
    ),
    '',
    ...tableOf(
      ['Probe', 'Value'],
      [
        ['sequential write, MiB/s', whole(probes.sequential.writeMiBPerSecond)],
        ['… with a sync at its end', whole(probes.sequential.writeSyncedMiBPerSecond)],
        ['read from the page cache, MiB/s', whole(probes.sequential.readMiBPerSecond)],
        [
          'loopback round trip 128 B, p50 / p99, µs',
          `${whole(probes.roundTripUs.p50)} / ${whole(probes.roundTripUs.p99)}`,
        ],
        ['CRC-32, GiB/s', tenths(probes.memory.crcGiBPerSecond)],
        ['copy, GiB/s', tenths(probes.memory.copyGiBPerSecond)],
        ['CRC-32 / copy of 1 KiB, ns', `${whole(probes.memory.crcNs)} / ${whole(probes.memory.copyNs)}`],
      ],
    ),
    '',
    '## Ratios',
    '',
    ...tableOf(
      ['Ratio', 'Value'],
      ratios.map(({ what, value }) => [what, value.toFixed(value < 1 ? 3 : 2)]),
    ),
    '',
  ]
}

function machineTable({ commit, machine, startedAt, seconds, size }: Report): string[] {
  const { serverCores, loadCores } = machine
  return [
    ...tableOf(
      ['', ''],
      [
        ['Commit', commit],
        ['Run', `${size}, ${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${whole(seconds)} s`],
        ['Processor', `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB`],
        ['System', `${machine.kernel}, ${machine.fileSystem}, Node ${machine.node}`],
        ['Cores', serverCores === undefined ? 'not pinned' : `servers on ${serverCores}, load on ${loadCores}`],
        ['Load average', `${tenths(machine.loadAverageBefore)} before, ${tenths(machine.loadAverageAfter)} at the end`],
      ],
    ),
    '',
  ]
}
