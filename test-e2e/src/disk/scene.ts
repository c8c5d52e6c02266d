// One fault of a disk under load: a small cluster whose broker has the faulty disk, clients that send and receive all the
// time, a group that reads only when it is told to, and at the end the verdict over every message.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Checks } from '../checks.ts'
import { SEGMENT_BYTES } from '../kill/bodies.ts'
import { type Attempt, History, promisedCopy } from '../kill/history.ts'
import { createLoad, GROUPS, INVISIBLE_MS, type Load, TOPIC } from '../kill/load.ts'
import { receiveRaw } from '../kill/raw-consumer.ts'
import { judge } from '../kill/verdict.ts'
import { type GroupLedger, readLedger, writtenOf } from '../ledger.ts'
import { type ClusterNode, type ProcessCluster, startCluster } from '../process-cluster.ts'
import { createRandom, hashOf } from '../random.ts'
import { createRawClient } from '../raw-client.ts'
import { expectThat, runCheck, withDeadline } from '../steps.ts'
import { createFaultyDisk, type FaultyDisk } from './fault-shim.ts'
import { createProber, type Prober } from './prober.ts'
import { mountVolume, type Volume } from './volume.ts'

/** Reads what was sent before the fault, while the fault stands. */
const LATE_GROUP = 'disk-late'
const ALL_GROUPS = [...GROUPS, LATE_GROUP]
const LATE_BATCH = 8
/** Little, so that a small disk lasts: the large ones fill it. */
const SENDERS = { raw: 6, sdk: 2, pauseMs: 20 }
const BODY_BYTES = 700
/** Messages whose names begin so fill a disk, or what waits for one. */
export const LARGE = 'large'
export const HUGE = 'huge'
const LARGE_BYTES = 256 * 1024
const HUGE_BYTES = 3 * 1024 * 1024
/** So many messages are acknowledged before the fault: the late group has something to read. */
const BEFORE = 400
const REACHED_MS_MAX = 15_000
const DRAIN_MS_MAX = 60_000
const POLL_MS = 100
const FINISH_MS_MAX = 60_000
const STEP_MS_MAX = 90_000
const STOP_MS_MAX = 5_000

export type Flush = 'sync' | 'async'

export interface Scene {
  readonly flush: Flush
  readonly cluster: ProcessCluster
  readonly broker: ClusterNode
  readonly prober: Prober
  /** Of the broker; only where the fault asks for one. */
  readonly volume: Volume
  readonly disk: FaultyDisk
  /** One check; what it throws is why it failed, what it returns is shown. */
  step(name: string, work: () => Promise<string | void>): Promise<void>
  /** One receive of the late group, and its acknowledgements. */
  receiveLate(): Promise<{ readonly received: number; readonly codes: readonly string[] }>
  /** Messages acknowledged before that time, of `performance.now()`, that the late group has not got. */
  missing(beforeMs: number): number
  /** The broker ends and starts again. `forgets`: what was acknowledged since its log failed was in memory only. */
  restart(how: 'stop' | 'kill', options?: { readonly forgets?: boolean; readonly between?: () => void }): Promise<void>
}

export interface SceneOptions {
  /** Of the fault. */
  readonly title: string
  readonly flush: Flush
  readonly folder: string
  readonly services: string
  readonly checks: Checks
  /** The disk of the broker is a file system of its own, of this size. */
  readonly volume?: { readonly bytes: number; readonly inodes?: number } | undefined
  /** Path of the library that makes calls fail. */
  readonly library?: string | undefined
  /** Of the log; small ones, so that some are begun, where a fault does not say. */
  readonly segmentBytes?: number | undefined
  readonly brokerFlags?: readonly string[] | undefined
  /** Events that the broker logs as errors then, and others that it may. */
  readonly errors: readonly string[]
  readonly mayTell?: readonly string[] | undefined
  readonly run: (scene: Scene) => Promise<void>
}

const bodies = {
  of(id: string): Buffer {
    const bytes = id.startsWith(HUGE) ? HUGE_BYTES : id.startsWith(LARGE) ? LARGE_BYTES : BODY_BYTES
    const body = Buffer.alloc(bytes, hashOf(id) % 251)
    body.write(`${id}\n`, 'latin1')
    return body
  },
}

/** Plays one fault. What can not be done here is told as skipped. */
export async function playScene(options: SceneOptions): Promise<void> {
  const { title, flush, folder, services, checks, library } = options
  const name = `${title}, ${flush} flush`
  const dataFolder = join(folder, 'data')
  const brokerFolder = join(dataFolder, 'broker-1')
  mkdirSync(brokerFolder, { recursive: true })
  let volume: Volume | undefined
  if (options.volume !== undefined) {
    const mounted = mountVolume({ folder: brokerFolder, imageFolder: join(folder, 'image'), ...options.volume })
    if (typeof mounted === 'string') {
      checks.skip(name, mounted)
      return
    }
    volume = mounted
  }
  const disk = library === undefined ? undefined : createFaultyDisk(library, brokerFolder, join(folder, 'faults'))
  const cluster = await startCluster({
    folder: dataFolder,
    logFolder: join(folder, 'logs'),
    flush,
    services,
    brokerFlags: [
      `--mapped-file-size-commit-log=${options.segmentBytes ?? SEGMENT_BYTES}`,
      // A full disk shall refuse new messages, not lose old ones: groups here are late on purpose.
      '--clean-file-forcibly-enable=false',
      ...(options.brokerFlags ?? []),
    ],
    env: ({ kind }) => (kind === 'broker' ? (disk?.env ?? {}) : {}),
  })
  try {
    await playOn({ ...options, name, cluster, volume, disk })
  } finally {
    for (const node of cluster.nodes) if (node.isRunning) await node.kill()
    volume?.unmount()
  }
}

interface PlayOptions extends Omit<SceneOptions, 'volume'> {
  readonly name: string
  readonly cluster: ProcessCluster
  readonly volume: Volume | undefined
  readonly disk: FaultyDisk | undefined
}

async function playOn(options: PlayOptions): Promise<void> {
  const { name, flush, checks, cluster } = options
  const [broker] = cluster.brokers
  const [proxy] = cluster.proxies
  if (broker === undefined || proxy === undefined) throw new Error('a cluster has a broker and a proxy')
  const { name: brokerName } = broker
  await cluster.ready()
  const history = new History(bodies, ALL_GROUPS)
  const random = createRandom(0)
  const load = createLoad({
    proxies: [proxy.address],
    brokers: [brokerName],
    messages: 0,
    bodies,
    history,
    random,
    senders: SENDERS,
  })
  const late = createRawClient(proxy.address, 'disk-late')
  const prober = createProber({
    proxy: proxy.address,
    brokerPort: broker.port,
    healthUrl: broker.healthUrl,
    bodies,
    history,
  })
  async function receiveLate(batchSize = LATE_BATCH) {
    return receiveRaw({
      client: late,
      topic: TOPIC,
      group: LATE_GROUP,
      brokerName,
      batchSize,
      invisibleMs: INVISIBLE_MS,
      pollMs: 0,
      history,
      isToBeAcked: () => true,
    })
  }
  const scene: Scene = {
    flush,
    cluster,
    broker,
    prober,
    get volume() {
      if (options.volume === undefined) throw new Error('this fault asks for no volume')
      return options.volume
    },
    get disk() {
      if (options.disk === undefined) throw new Error('this fault asks for no shim')
      return options.disk
    },
    step: async (step, work) => void (await runCheck(checks, `${name}: ${step}`, work, STEP_MS_MAX)),
    receiveLate: () => receiveLate(),
    missing(beforeMs) {
      const isMissing = (attempt: Attempt): boolean =>
        attempt.outcome === 'acknowledged' &&
        attempt.endedMs < beforeMs &&
        promisedCopy(attempt)?.deliveries.has(LATE_GROUP) !== true
      return Array.from(history.attempts.values()).filter(isMissing).length
    },
    async restart(how, { forgets = false, between } = {}) {
      if (how === 'kill') await broker.kill()
      else {
        const { code, ms } = await broker.stop()
        expectThat(ms <= STOP_MS_MAX, `the stop took ${Math.round(ms)} ms`)
        expectThat(code === 0 || forgets, `it ended with ${code}`)
      }
      if (forgets) history.losePower(brokerName, performance.now())
      between?.()
      broker.start()
      await broker.ready()
      await untilReached(prober)
    },
  }
  try {
    await load.start()
    await receiveLate(1)
    await load.reached(BEFORE)
    await options.run(scene)
    await scene.step('all is sent and drained at the end', () => finish(scene, history, load, () => receiveLate(32)))
    const ledgers = new Map([[brokerName, await readLedger(broker.healthUrl, TOPIC)]])
    judge({ checks: prefixed(checks, name), history, ledgers, groups: ALL_GROUPS })
    await scene.step('the broker stops cleanly', async () => {
      const { code, signal, ms } = await broker.stop()
      expectThat(code === 0 && ms <= STOP_MS_MAX, `it ended with ${code ?? signal} after ${Math.round(ms)} ms`)
    })
    checkLog(checks, name, broker, options)
  } finally {
    prober.close()
    late.close()
    await load.close()
  }
}

/** Proxies need a moment to see that a broker is back: until then they say that they can not reach it. */
async function untilReached(prober: Prober): Promise<void> {
  const untilMs = performance.now() + REACHED_MS_MAX
  for (;;) {
    const [{ code, text }] = await prober.send()
    if (code !== 'PROXY_TIMEOUT') return
    expectThat(performance.now() < untilMs, `the proxy does not reach the broker again: ${text}`)
    await sleep(POLL_MS)
  }
}

/** Resolves when all that was to be sent is, and every group has acknowledged all of it. */
async function finish(
  { broker }: Scene,
  history: History,
  load: Load,
  receiveLate: () => Promise<unknown>,
): Promise<string> {
  await withDeadline(FINISH_MS_MAX, () => load.finish())
  const untilMs = performance.now() + DRAIN_MS_MAX
  for (;;) {
    await receiveLate()
    const ledgers = await readLedger(broker.healthUrl, TOPIC)
    if (ALL_GROUPS.every((group) => isDrained(ledgers.get(group)))) break
    expectThat(performance.now() < untilMs, `not drained after ${DRAIN_MS_MAX} ms`)
    await sleep(POLL_MS)
  }
  await load.stopConsuming()
  return `${history.acknowledged} messages`
}

function isDrained(ledger: GroupLedger | undefined): boolean {
  return ledger !== undefined && ledger['acked'] === writtenOf(ledger)
}

function prefixed(checks: Checks, prefix: string): Checks {
  return { ...checks, check: (name, passed, detail) => checks.check(`${prefix}: ${name}`, passed, detail) }
}

function checkLog(
  checks: Checks,
  name: string,
  { logFile }: ClusterNode,
  { errors: expected, mayTell = [] }: Pick<SceneOptions, 'errors' | 'mayTell'>,
): void {
  const allowed = [...expected, ...mayTell]
  const lines = existsSync(logFile) ? readFileSync(logFile, 'utf8').split('\n') : []
  const errors = lines.filter((line) => /"level":"(?:error|fatal)"/.test(line))
  const others = errors.filter((line) => !allowed.some((event) => line.includes(`"event":"${event}"`)))
  checks.check(
    `${name}: the broker logged no other error`,
    others.length === 0,
    `${others.length}: ${others[0]?.slice(0, 400)}`,
  )
  const missing = expected.filter((event) => !errors.some((line) => line.includes(`"event":"${event}"`)))
  checks.check(`${name}: the broker told of the fault`, missing.length === 0, `no ${missing.join(', ')}`)
}
