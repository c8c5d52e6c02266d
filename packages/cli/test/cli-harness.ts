// Nameservers and brokers on simulated machines, and `rmq` on one more: what it writes is what a person would see.
import { type Broker, brokerConfig, createBroker, createNameServers } from '@rocketmq-ts/broker'
import { createNameServerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { defaultConfig } from '@rocketmq-ts/config'
import { createNameServer, nameServerConfig } from '@rocketmq-ts/nameserver'
import { connectPeer } from '@rocketmq-ts/remoting'
import { type Effects, silentLogger } from '@rocketmq-ts/runtime'
import { createWorld, type SimProcess } from '@rocketmq-ts/testkit'
import type { Host } from '../src/host.ts'
import { runRmq } from '../src/rmq.ts'

const NAMESERVER_PORT = 9876
const BROKER_PORT = 10911
const MiB = 1024 * 1024
/** Virtual time between two looks at whether a command is over. */
const STEP_MS = 10
const RUN_MS_MAX = 120_000

export interface Terminal {
  readonly tty?: boolean
  readonly colours?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Standard input; without it, a terminal. */
  readonly stdin?: string
  /** What a person types when asked. */
  readonly answer?: string
  readonly files?: Readonly<Record<string, string>>
  /** Called with all that was written so far; true is Ctrl-C. */
  readonly interruptWhen?: (out: string) => boolean
}

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
  /** What standard output held, as JSON. */
  json<Value>(): Value
}

/** A command that runs. */
export interface Started {
  readonly ended: Promise<Ended>
  /** Ctrl-C. */
  interrupt(): void
}

export interface TestCluster {
  readonly nameServers: readonly string[]
  /** Of the machine that `rmq` runs on. */
  readonly effects: Effects
  /** Runs `rmq` with these arguments, all in one text where none holds a blank. */
  rmq(command: string | readonly string[], terminal?: Terminal): Promise<Ended>
  /** One that goes on while the test does other things. */
  start(command: string | readonly string[], terminal?: Terminal): Started
  /** Lets the world run until the promise settles. */
  settled<Value>(promise: Promise<Value>): Promise<Value>
  advance(ms: number): Promise<void>
  kill(machine: string): void
  /** From now on `rmq` does not reach this machine; everybody else does. */
  partition(machine: string): void
}

export interface ClusterShape {
  readonly nameServers?: number
  /** Clusters of the brokers broker-a, broker-b, … */
  readonly clusters?: readonly string[]
  readonly autoCreateTopicEnable?: boolean
}

/** A terminal that nobody looks at, without a cluster: for help and usage. */
export async function rmqAlone(command: string | readonly string[], terminal: Terminal = {}): Promise<Ended> {
  const effects = () => Promise.reject(new Error('the network is not for this test'))
  return runOn(effects, command, terminal)
}

/** `rmq` on a machine with files, for commands that need no cluster. */
export function rmqOn(effects: Effects, command: string | readonly string[], terminal: Terminal = {}): Promise<Ended> {
  return runOn(() => Promise.resolve(effects), command, terminal)
}

export async function startCluster(shape: ClusterShape = {}): Promise<TestCluster> {
  const { clusters = ['DefaultCluster'], autoCreateTopicEnable = true } = shape
  const world = createWorld({ seed: 11 })
  const processes = new Map<string, SimProcess<unknown>>()
  const nameServers: string[] = []
  for (let index = 0; index < (shape.nameServers ?? 1); index += 1) {
    const machine = world.machine(`nameserver-${index}`)
    nameServers.push(`${machine.host}:${NAMESERVER_PORT}`)
    processes.set(machine.name, machine.start('nameserver', startNameServer))
  }
  for (const [index, cluster] of clusters.entries()) {
    const brokerName = `broker-${String.fromCodePoint(97 + index)}`
    const machine = world.machine(brokerName)
    const place = { brokerName, cluster, host: machine.host, nameServers, autoCreateTopicEnable }
    processes.set(
      brokerName,
      machine.start('broker', (effects) => startBroker(place, effects)),
    )
  }
  const operator = world.machine('operator').start('rmq', (effects) => Promise.resolve(effects))
  const isReady = (process: SimProcess<unknown>): boolean => {
    const handle = process.state === 'running' ? (process.handle as { readiness?: Broker['readiness'] }) : undefined
    return handle !== undefined && (handle.readiness === undefined || handle.readiness().ready)
  }
  await world.run(() => [...processes.values()].every(isReady) && operator.state === 'running')
  const { effects } = operator

  async function settled<Value>(promise: Promise<Value>): Promise<Value> {
    let over = false
    const watch = (): void => {
      over = true
    }
    promise.then(watch, watch)
    for (let ranMs = 0; !over; ranMs += STEP_MS) {
      if (ranMs > RUN_MS_MAX) throw new Error('the command does not end')
      await world.run(STEP_MS)
      // What the command loads on use comes in real time.
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    return promise
  }

  function start(command: string | readonly string[], terminal: Terminal = {}): Started {
    const env = { RMQ_NAMESERVER: nameServers.join(';'), ...terminal.env }
    const interruption = new AbortController()
    const ended = runOn(() => Promise.resolve(effects), command, { ...terminal, env }, interruption)
    return { ended, interrupt: () => interruption.abort() }
  }

  return {
    nameServers,
    effects,
    start,
    settled,
    rmq: (command, terminal) => settled(start(command, terminal).ended),
    advance: (ms) => world.run(ms),
    kill: (name) => processes.get(name)?.crash(),
    partition: (name) => world.network.partition('operator', name),
  }
}

async function runOn(
  effects: Host['effects'],
  command: string | readonly string[],
  terminal: Terminal,
  interruption = new AbortController(),
): Promise<Ended> {
  const { tty = false, colours = tty, env = {}, stdin, files = {} } = terminal
  let out = ''
  let err = ''
  const host: Host = {
    env,
    effects,
    out: {
      write(text) {
        out += text
        if (terminal.interruptWhen?.(out) === true) interruption.abort()
      },
      isTTY: tty,
      isColoured: colours,
    },
    err: {
      write(text) {
        err += text
        if (terminal.interruptWhen?.(err) === true) interruption.abort()
      },
      isTTY: tty,
      isColoured: colours,
    },
    input: {
      isTTY: stdin === undefined,
      readAll: async () => Buffer.from(stdin ?? ''),
      async ask(question) {
        err += question
        return terminal.answer ?? ''
      },
    },
    absolutePath: (path) => (path.startsWith('/') ? path : `/here/${path}`),
    async readFile(path) {
      const text = files[path]
      if (text === undefined) throw new Error(`the test has no file ${path}`)
      return Buffer.from(text)
    },
    interrupted: interruption.signal,
  }
  const argv = typeof command === 'string' ? command.split(' ').filter((word) => word !== '') : command
  const code = await runRmq(argv, host)
  return { code, out, err, json: <Value>() => JSON.parse(out) as Value }
}

async function startNameServer({ clock, scheduler, network }: Effects) {
  const config = { ...defaultConfig(nameServerConfig), listenHost: '0.0.0.0', listenPort: NAMESERVER_PORT }
  const nameServer = createNameServer(config, { clock, scheduler, network, logger: silentLogger })
  await nameServer.start()
  return nameServer
}

interface BrokerPlace {
  readonly brokerName: string
  readonly cluster: string
  readonly host: string
  readonly nameServers: readonly string[]
  readonly autoCreateTopicEnable: boolean
}

async function startBroker(place: BrokerPlace, effects: Effects): Promise<Broker> {
  const { clock, scheduler, network } = effects
  const peers = createPeerSource({ connect: (address) => connectPeer(network, address, { clock, scheduler }), clock })
  const broker = createBroker(
    {
      ...defaultConfig(brokerConfig),
      brokerName: place.brokerName,
      brokerClusterName: place.cluster,
      listenHost: '0.0.0.0',
      listenPort: BROKER_PORT,
      brokerIP1: place.host,
      namesrvAddr: place.nameServers.join(';'),
      storePathRootDir: '/store',
      mappedFileSizeCommitLog: MiB,
      autoCreateTopicEnable: place.autoCreateTopicEnable,
    },
    {
      ...effects,
      logger: silentLogger,
      nameServers: createNameServers(createNameServerClient({ addresses: place.nameServers, peers })),
      onDefect(error) {
        throw error
      },
    },
  )
  await broker.start()
  return broker
}
