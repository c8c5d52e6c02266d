// The store's table, part by part: in this process only what drives a broker, everything else in processes of its own,
// which Node runs as it runs a broker.
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { busyShareOfOthers } from '../servers/others.ts'
import { BROKER_NODE_FLAGS } from '../servers/server-process.ts'
import type { StoreFigures } from './figures.ts'
import { measureManyQueues } from './parts/many-queues.ts'
import { measureRestart } from './parts/restart.ts'
import type { PARTS } from './part-main.ts'
import { STORE_FULL, STORE_QUICK, type StoreSize } from './store-size.ts'

const PART_MAIN = fileURLToPath(new URL('part-main.ts', import.meta.url))
const PART_MS_MAX = 900_000
/** What npm start sets: threads for files. */
const THREADPOOL_SIZE = '8'

export interface ServerContext {
  /** Folder of bundles, see `bundles.ts`. */
  readonly bundles: string
  /** For data and logs. */
  readonly folder: string
  readonly cores: string | undefined
  readonly size: StoreSize
}

/** What can be asked for alone, in the order of a whole run. */
export const STORE_PARTS = ['append', 'commits', 'sequential', 'cold', 'drain', 'growth', 'starts', 'queues'] as const
export type StorePart = (typeof STORE_PARTS)[number]

export interface StoreBenchOptions extends Omit<ServerContext, 'size'> {
  readonly sizeName: 'full' | 'quick'
  /** One part instead of all. */
  readonly only?: StorePart | undefined
  readonly tell: (line: string) => void
}

/** Runs every part that is wanted. Rejects when one can not run; slow is no reason to. */
export async function runStoreBench(options: StoreBenchOptions): Promise<StoreFigures> {
  const { sizeName, only, tell, folder } = options
  const size = sizeName === 'full' ? STORE_FULL : STORE_QUICK
  const context = { ...options, size }

  async function part<Name extends keyof typeof PARTS>(name: Name, what: string, partFolder = join(folder, name)) {
    tell(`store: ${what} …`)
    mkdirSync(partFolder, { recursive: true })
    const figures = await runPart(name, sizeName, partFolder)
    return figures as Awaited<ReturnType<(typeof PARTS)[Name]>>
  }

  async function alone<Name extends keyof typeof PARTS>(name: Name, what: string) {
    const figures = await part(name, what)
    rmSync(join(folder, name), { recursive: true, force: true })
    return figures
  }

  async function starts(): Promise<Pick<StoreFigures, 'restart' | 'scan'>> {
    const retained = join(folder, 'retained')
    const { bytes } = await part('fill', 'bytes to start on', retained)
    tell('store: starts …')
    const restart = await measureRestart(retained, bytes, context)
    const scan = await part('scan', 'a full scan', retained)
    rmSync(retained, { recursive: true, force: true })
    return { restart, scan }
  }

  async function queues(): Promise<Pick<StoreFigures, 'manyQueues'>> {
    const manyQueues = []
    for (const plan of size.manyQueues) {
      tell(`store: ${plan.topics} topics with ${plan.queuesPerTopic} queues …`)
      manyQueues.push(await measureManyQueues(plan, context))
    }
    return { manyQueues }
  }

  const measures: Record<StorePart, () => Promise<Omit<StoreFigures, 'othersShare'>>> = {
    append: async () => ({ append: await alone('append', 'appends') }),
    commits: async () => ({ commits: await alone('commits', 'group commits') }),
    sequential: async () => ({ sequential: await alone('sequential', 'bodies of 16 KiB') }),
    cold: async () => ({ cold: await alone('cold', 'a cold backlog') }),
    drain: async () => ({ drain: await alone('drain', 'sends during a cold drain') }),
    growth: async () => ({ growth: await alone('growth', 'growth') }),
    starts,
    queues,
  }
  const othersBefore = await busyShareOfOthers(size.probeMs)
  let figures: Omit<StoreFigures, 'othersShare'> = {}
  for (const name of STORE_PARTS) {
    if (only === undefined || only === name) figures = { ...figures, ...(await measures[name]()) }
  }
  const othersShare = Math.max(othersBefore, await busyShareOfOthers(size.probeMs))
  return { othersShare, ...figures }
}

async function runPart(name: string, sizeName: string, folder: string): Promise<unknown> {
  const args = [...BROKER_NODE_FLAGS, PART_MAIN, name, sizeName, folder]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    timeout: PART_MS_MAX,
    env: { ...process.env, UV_THREADPOOL_SIZE: THREADPOOL_SIZE },
  })
  return JSON.parse(stdout)
}
