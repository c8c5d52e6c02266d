// A cluster as operators run it without containers: nameservers, brokers and proxies, each a process with a port, a
// folder and a log of its own, on 127.0.0.1. A node keeps its name, ports and folder over all its lives.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePortList } from './free-ports.ts'
import { type Exit, type KillOptions, launch, type ServiceProcess, takeServices } from './server.ts'

/** A nameserver that was started again hears of every broker within their longest period, and then some. */
const KNOWN_MS_MAX = 90_000
const KNOWN_POLL_MS = 20

export type NodeKind = 'nameserver' | 'broker' | 'proxy'

export interface ClusterOptions {
  /** How many of each to begin with; one where nothing is said. */
  readonly nameservers?: number
  readonly brokers?: number
  readonly proxies?: number
  /** Gets a folder for each broker and proxy, with their names. */
  readonly folder: string
  /** Gets `<name>.log` for each node; both outputs, of all its lives. */
  readonly logFolder: string
  /** sync: a send is acknowledged when it is on the disk. */
  readonly flush: 'sync' | 'async'
  /** Folder of the bundles; by default the one that `takeServices` returns. */
  readonly services?: string | undefined
  /** Behind the flags that make the cluster. */
  readonly nameserverFlags?: readonly string[]
  readonly brokerFlags?: readonly string[]
  readonly proxyFlags?: readonly string[]
  /** Further environment of a node, asked for at each start. */
  readonly env?: (node: ClusterNode) => Readonly<Record<string, string>>
}

export interface ClusterNode {
  readonly kind: NodeKind
  /** E.g. `broker-1`; for a broker also its brokerName. */
  readonly name: string
  /** Of its process, the last one where it does not run. */
  readonly pid: number
  /** gRPC for proxies, remoting for the others. */
  readonly port: number
  /** `host:port` of it. */
  readonly address: string
  /** `http://host:port` of /readyz and /metrics. */
  readonly healthUrl: string
  /** Of the data of a broker; brokers and proxies have one. */
  readonly folder: string
  readonly logFile: string
  readonly isRunning: boolean
  /** Resolves with the milliseconds since its start when /readyz says 200. Rejects when it ends before. */
  ready(): Promise<number>
  /** SIGKILL; resolves when it is gone. */
  kill(options?: KillOptions): Promise<Exit>
  /** SIGTERM; resolves with how it ended and after how long. */
  stop(): Promise<Exit & { readonly ms: number }>
  /** Starts it again after a kill or stop, in its folder and on its ports; returns at once. */
  start(): void
}

export interface ProcessCluster {
  readonly nameservers: readonly ClusterNode[]
  readonly brokers: readonly ClusterNode[]
  readonly proxies: readonly ClusterNode[]
  /** All of them, in the order in which they can be stopped. */
  readonly nodes: readonly ClusterNode[]
  /** Resolves when every node is ready and every nameserver knows every broker. */
  ready(): Promise<void>
  /** One more, started; wait for its `ready`. */
  addBroker(): Promise<ClusterNode>
  addProxy(): Promise<ClusterNode>
  /** Stops what runs, proxies first; resolves with how each ended, by name. */
  stop(): Promise<Map<string, Exit & { readonly ms: number }>>
}

/** Starts all nodes at once, as a machine that boots does; wait for `ready`. */
export async function startCluster(options: ClusterOptions): Promise<ProcessCluster> {
  const { folder, logFolder, flush, services = takeServices(), env = () => ({}) } = options
  const nodes: Record<NodeKind, ClusterNode[]> = { nameserver: [], broker: [], proxy: [] }
  mkdirSync(logFolder, { recursive: true })

  function flagsOf(kind: NodeKind, name: string, port: number): readonly string[] {
    const nameservers = `--namesrv-addr=${nodes.nameserver.map(({ address }) => address).join(';')}`
    switch (kind) {
      case 'nameserver':
        return [`--listen-port=${port}`, ...(options.nameserverFlags ?? [])]
      case 'broker':
        return [
          nameservers,
          `--listen-port=${port}`,
          `--broker-name=${name}`,
          `--store-path-root-dir=${join(folder, name)}`,
          `--flush-disk-type=${flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'}`,
          '--auto-create-topic-enable',
          '--auto-create-subscription-group',
          ...(options.brokerFlags ?? []),
        ]
      case 'proxy':
        return [
          nameservers,
          `--grpc-server-port=${port}`,
          `--tls-self-signed-folder=${join(folder, name)}`,
          '--auto-create-topic',
          ...(options.proxyFlags ?? []),
        ]
    }
  }

  async function add(kind: NodeKind): Promise<ClusterNode> {
    const [port = 0, healthPort = 0] = await freePortList(2)
    const name = `${kind}-${nodes[kind].length + 1}`
    const flags = [`--health-port=${healthPort}`, ...flagsOf(kind, name, port)]
    if (kind !== 'nameserver') mkdirSync(join(folder, name), { recursive: true })
    let life: ServiceProcess | undefined
    function running(): ServiceProcess {
      if (life === undefined || life.exit !== undefined) throw new Error(`${name} does not run`)
      return life
    }
    const node: ClusterNode = {
      kind,
      name,
      get pid() {
        return life?.pid ?? 0
      },
      port,
      address: `127.0.0.1:${port}`,
      healthUrl: `http://127.0.0.1:${healthPort}`,
      folder: join(folder, name),
      logFile: join(logFolder, `${name}.log`),
      get isRunning() {
        return life !== undefined && life.exit === undefined
      },
      async ready() {
        return await (life ?? running()).ready()
      },
      async kill(how) {
        return await running().kill(how)
      },
      async stop() {
        return await running().stop()
      },
      start() {
        if (node.isRunning) throw new Error(`${name} runs already`)
        const { logFile, healthUrl } = node
        life = launch({ main: join(services, `${kind}.mjs`), flags, healthUrl, logFile, env: env(node) })
      },
    }
    nodes[kind].push(node)
    return node
  }

  const cluster: ProcessCluster = {
    nameservers: nodes.nameserver,
    brokers: nodes.broker,
    proxies: nodes.proxy,
    get nodes() {
      return [...nodes.proxy, ...nodes.broker, ...nodes.nameserver]
    },
    async ready() {
      await Promise.all(cluster.nodes.map((node) => node.ready()))
      await Promise.all(nodes.nameserver.map((node) => untilKnown(node, nodes.broker.length)))
    },
    addBroker: () => addStarted('broker'),
    addProxy: () => addStarted('proxy'),
    async stop() {
      const ends = new Map<string, Exit & { readonly ms: number }>()
      for (const kind of ['proxy', 'broker', 'nameserver'] as const) {
        const all = nodes[kind].filter(({ isRunning }) => isRunning)
        await Promise.all(all.map(async (node) => void ends.set(node.name, await node.stop())))
      }
      return ends
    },
  }

  async function addStarted(kind: NodeKind): Promise<ClusterNode> {
    const node = await add(kind)
    node.start()
    return node
  }

  for (let count = options.nameservers ?? 1; count > 0; count -= 1) await add('nameserver')
  for (let count = options.brokers ?? 1; count > 0; count -= 1) await add('broker')
  for (let count = options.proxies ?? 1; count > 0; count -= 1) await add('proxy')
  for (const node of cluster.nodes) node.start()
  return cluster
}

/** A broker is ready as soon as one nameserver knows it; here is asked for the others. */
async function untilKnown({ name, healthUrl }: ClusterNode, brokers: number): Promise<void> {
  const untilMs = performance.now() + KNOWN_MS_MAX
  for (;;) {
    const metrics = await (await fetch(`${healthUrl}/metrics`)).text()
    const known = Number(/^rocketmq_ts_brokers_registered(?:\{.*\})? (\d+)$/m.exec(metrics)?.[1] ?? 0)
    if (known >= brokers) return
    if (performance.now() > untilMs) throw new Error(`${name} knows ${known} brokers of ${brokers}`)
    await sleep(KNOWN_POLL_MS)
  }
}
