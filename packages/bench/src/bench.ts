// A whole run, in order: probes of the machine, starts, then each deployment with its workloads. One server at a time
// is under load; the bare one takes turns with ours where the two are compared.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DELAY_FULL, DELAY_QUICK, type DelayFigures, runDelayBench } from './delay/delay-bench.ts'
import { judgeDelay } from './delay/delay-floors.ts'
import { FILTER_FULL, FILTER_QUICK, type FilterFigures, runFilterBench } from './filter/filter-bench.ts'
import { judgeFilters } from './filter/filter-floors.ts'
import { judge } from './floors.ts'
import { IN_FLIGHT_FULL, IN_FLIGHT_QUICK, type InFlightFigures, runInFlightBench } from './in-flight/in-flight-bench.ts'
import { judgeInFlight } from './in-flight/in-flight-floors.ts'
import { h2loadVersion } from './load/h2load.ts'
import { commitOf, describeMachine, loadAverage } from './machine.ts'
import { probeSequential, probeSync } from './probes/disk.ts'
import { probeRoundTrip, startEcho, type EchoServer } from './probes/echo.ts'
import { probeMemory } from './probes/memory.ts'
import { ORDER_FULL, ORDER_QUICK, type OrderFigures, runOrderBench } from './order/order-bench.ts'
import { judgeOrder } from './order/order-floors.ts'
import { ratiosOf } from './ratios.ts'
import { type Cell, type CellRun, type LoadReport, medianRun, type Probes, type Report } from './report/report.ts'
import { createTopic, runBareEcho, runWorkload, type RunContext, warmUp } from './run-workload.ts'
import { makeBundles } from './servers/bundles.ts'
import { divideCores, type Cores } from './servers/cores.ts'
import { type Deployment, type Flush, startCluster, startStandalone } from './servers/deployment.ts'
import type { Size } from './sizes.ts'
import type { StoreFigures } from './store/figures.ts'
import { runStoreBench, type StorePart } from './store/store-bench.ts'
import { judgeStore } from './store/store-floors.ts'
import { measureStart } from './start.ts'
import {
  CLUSTER_ASYNC,
  FLOOR_SEND,
  REPEATED,
  STANDALONE_ASYNC,
  STANDALONE_SYNC,
  titleOf,
  type Workload,
} from './workloads.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const WARM_UP_TOPIC = 'bench-warm-up'

/** Parts of a report that can be asked for alone. */
export const PARTS = ['load', 'store', 'filter', 'order', 'in-flight', 'delay'] as const
export type Part = (typeof PARTS)[number]

export interface BenchOptions {
  readonly size: Size
  /** Folder of bundles to measure instead of those of the sources: `main.mjs`, and the services for the cluster. */
  readonly bundles: string | undefined
  /** One part of the report instead of all of it. */
  readonly only: Part | undefined
  /** One part of the store's table instead of all of it. */
  readonly storePart: StorePart | undefined
  readonly tell: (line: string) => void
  /** A cell is done. */
  readonly cellDone: (cell: Cell) => void
}

interface Bench extends BenchOptions {
  readonly folder: string
  readonly bundleFolder: string
  readonly cores: Cores
}

/** Runs everything. Rejects when a server does not start or a load can not be made; slow is no reason to. */
export async function runBench(options: BenchOptions): Promise<Report> {
  const startedAt = new Date()
  const loadAverageBefore = loadAverage()
  const folder = mkdtempSync(join(tmpdir(), 'rocketmq-ts-bench-'))
  try {
    const { size, tell } = options
    const bundleFolder = options.bundles ?? join(folder, 'bundles')
    if (options.bundles === undefined) {
      tell('bundles of the sources as they are …')
      await makeBundles(bundleFolder)
    }
    const bench: Bench = { ...options, folder, bundleFolder, cores: divideCores() }
    const isWanted = (part: Part) => options.only === undefined || options.only === part
    const load = isWanted('load') ? await runLoad(bench) : undefined
    const store = isWanted('store') ? await runStore(bench) : undefined
    const filter = isWanted('filter') ? await runFilters(bench) : undefined
    const order = isWanted('order') ? await runOrder(bench) : undefined
    const inFlight = isWanted('in-flight') ? await runInFlight(bench) : undefined
    const delay = isWanted('delay') ? await runDelay(bench) : undefined
    return {
      commit: commitOf(ROOT),
      size: size.name,
      startedAt: startedAt.toISOString(),
      seconds: (Date.now() - startedAt.getTime()) / 1000,
      machine: describeMachine(folder, bench.cores, loadAverageBefore),
      load,
      store,
      filter,
      order,
      inFlight,
      delay,
      verdicts: [
        ...(load === undefined ? [] : judge({ ...load, size })),
        ...(store === undefined ? [] : judgeStore(store, size.name)),
        ...(filter === undefined ? [] : judgeFilters(filter, size.name)),
        ...(order === undefined ? [] : [judgeOrder(order, size.name)]),
        ...(inFlight === undefined ? [] : judgeInFlight(inFlight, size.name)),
        ...(delay === undefined ? [] : judgeDelay(delay, size.name)),
      ],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The servers under load, and the machine alone. */
async function runLoad(bench: Bench): Promise<LoadReport> {
  const { folder, bundleFolder, cores, size, tell } = bench
  const echo = await startEcho(folder, cores.servers)
  try {
    tell('probes of disk, memory and loopback …')
    const probes = await runProbes(bench, echo)
    tell('starts …')
    const script = bench.bundles === undefined ? undefined : join(bundleFolder, 'main.mjs')
    const start = await measureStart({ bundles: bundleFolder, folder, cores: cores.servers }, size, script)
    const cells = await runCells(bench, echo)
    return { probes, start, cells, ratios: ratiosOf(cells, probes) }
  } finally {
    await echo.process.stop()
  }
}

async function runStore({
  folder: parent,
  bundleFolder: bundles,
  cores,
  size,
  storePart,
  tell,
}: Bench): Promise<StoreFigures> {
  const folder = join(parent, 'store')
  mkdirSync(folder)
  return runStoreBench({ bundles, folder, cores: cores.servers, sizeName: size.name, only: storePart, tell })
}

function runFilters({ folder, bundleFolder: bundles, cores, size, tell }: Bench): Promise<FilterFigures> {
  const filterSize = size.name === 'full' ? FILTER_FULL : FILTER_QUICK
  return runFilterBench({ bundles, folder: join(folder, 'filter'), cores: cores.servers, size: filterSize, tell })
}

function runOrder({ folder, bundleFolder: bundles, cores, size, tell }: Bench): Promise<OrderFigures> {
  const orderSize = size.name === 'full' ? ORDER_FULL : ORDER_QUICK
  return runOrderBench({ bundles, folder: join(folder, 'order'), cores: cores.servers, size: orderSize, tell })
}

function runInFlight({ folder, bundleFolder: bundles, cores, size, tell }: Bench): Promise<InFlightFigures> {
  const inFlightSize = size.name === 'full' ? IN_FLIGHT_FULL : IN_FLIGHT_QUICK
  return runInFlightBench({
    bundles,
    folder: join(folder, 'in-flight'),
    cores: cores.servers,
    size: inFlightSize,
    tell,
  })
}

function runDelay({ folder, bundleFolder: bundles, cores, size, tell }: Bench): Promise<DelayFigures> {
  const delaySize = size.name === 'full' ? DELAY_FULL : DELAY_QUICK
  return runDelayBench({ bundles, folder: join(folder, 'delay'), cores: cores.servers, size: delaySize, tell })
}

async function runProbes({ folder, size }: Bench, echo: EchoServer): Promise<Probes> {
  return {
    syncs: size.syncBatches.map((batch) => probeSync(folder, batch, size.probeMs)),
    sequential: probeSequential(folder, size.sequentialBytes),
    memory: probeMemory(size.probeMs / 4),
    roundTripUs: await probeRoundTrip(echo.tcpPort, size.roundTrips),
  }
}

async function runCells(bench: Bench, echo: EchoServer): Promise<Cell[]> {
  const cells: Cell[] = []
  const done = (cell: Cell) => {
    cells.push(cell)
    bench.cellDone(cell)
  }
  await withDeployment(bench, 'standalone', 'async', async (deployment, context) => {
    const ours = REPEATED.map((): CellRun[] => [])
    const bare: CellRun[] = []
    await warmUp(echo, WARM_UP_TOPIC, bench.size)
    for (let repeat = 0; repeat < bench.size.repeats; repeat += 1) {
      bare.push(await runBareEcho(FLOOR_SEND, echo, context))
      for (const [number, workload] of REPEATED.entries()) {
        ours[number]!.push(await runWorkload(workload, deployment, `bench-floor-${number}-${repeat}`, context))
      }
    }
    done(cellOf({ name: 'bare grpc-js', flush: undefined }, FLOOR_SEND, bare, 'own'))
    for (const [number, workload] of REPEATED.entries()) done(cellOf(deployment, workload, ours[number]!, 'own'))
    await runEach(STANDALONE_ASYNC, deployment, context, done)
  })
  await withDeployment(bench, 'standalone', 'sync', (deployment, context) =>
    runEach(STANDALONE_SYNC, deployment, context, done),
  )
  await withDeployment(bench, 'cluster', 'async', (deployment, context) =>
    runEach(CLUSTER_ASYNC, deployment, context, done),
  )
  return cells
}

/** A deployment with a folder of its own, gone afterwards. */
async function withDeployment(
  { folder: parent, bundleFolder: bundles, cores, size, tell }: Bench,
  name: Deployment['name'],
  flush: Flush,
  run: (deployment: Deployment, context: RunContext) => Promise<void>,
): Promise<void> {
  tell(`${name}, ${flush} flush …`)
  const folder = join(parent, `${name}-${flush}`)
  mkdirSync(folder)
  const start = name === 'standalone' ? startStandalone : startCluster
  const deployment = await start({ bundles, folder, cores: cores.servers, flush })
  try {
    await createTopic(deployment, WARM_UP_TOPIC)
    await warmUp(deployment, WARM_UP_TOPIC, size)
    await run(deployment, { size, folder })
  } finally {
    await deployment.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runEach(
  workloads: readonly Workload[],
  deployment: Deployment,
  context: RunContext,
  done: (cell: Cell) => void,
): Promise<void> {
  const otherGenerator = await h2loadVersion()
  for (const [number, workload] of workloads.entries()) {
    if (workload.kind === 'h2load' && otherGenerator === undefined) continue
    const generator = workload.kind === 'h2load' ? (otherGenerator ?? '') : 'own'
    const run = await runWorkload(workload, deployment, `bench-${number}`, context)
    done(cellOf(deployment, workload, [run], generator))
  }
}

function cellOf(
  { name, flush }: { readonly name: Cell['deployment']; readonly flush: Cell['flush'] },
  workload: Workload,
  runs: readonly CellRun[],
  generator: string,
): Cell {
  return { deployment: name, flush, workload: titleOf(workload), generator, runs, median: medianRun(runs) }
}
