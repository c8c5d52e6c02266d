// Runs one workload against a deployment: its topic, the load, and what the processes used meanwhile.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBrokerClient, createNameServerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { MESSAGE_TYPE_ATTRIBUTE, type MessageType, topicConfig } from '@rocketmq-ts/model'
import { connectPeer } from '@rocketmq-ts/remoting'
import { createNodeNetwork, nodeClock, nodeScheduler } from '@rocketmq-ts/runtime/node'
import { runClosedLoop } from './load/closed-loop.ts'
import { connectAll, saysOk, SEND_PATH, sendRequest, transactionCaller, unaryCaller } from './load/grpc-calls.ts'
import { runH2Load } from './load/h2load.ts'
import { type Caller, type LoadResult, nobody } from './load/load.ts'
import { runOpenLoop } from './load/open-loop.ts'
import { connectPeers, remotingSender } from './load/remoting-calls.ts'
import { runDrain, runEndToEnd } from './run-consuming.ts'
import type { CellRun } from './report/report.ts'
import type { Deployment } from './servers/deployment.ts'
import type { ServerProcess } from './servers/server-process.ts'
import { createUsageWindow, type UsageWindow } from './usage-window.ts'
import type { Size } from './sizes.ts'
import { FLOOR_SEND, type Workload } from './workloads.ts'

const QUEUES = 8
const ROUTE_MS_MAX = 10_000
const ROUTE_POLL_MS = 5

export interface RunContext {
  readonly size: Size
  /** For files of this run. */
  readonly folder: string
}

const nowMs = (): number => performance.now()

/** Runs the workload on a topic of its own. Rejects when the load could not be made at all. */
export async function runWorkload(
  workload: Workload,
  deployment: Deployment,
  topic: string,
  context: RunContext,
): Promise<CellRun> {
  await createTopic(deployment, topic, workload.kind === 'transaction' ? 'TRANSACTION' : 'NORMAL')
  const usage = createUsageWindow(deployment.processes)
  const result = await loadOf(workload, deployment, topic, usage, context)
  const stored = await deployment.storedMessages(topic)
  const used = usage.perMessage(result.calls)
  // Another generator is a process of its own, and was not looked at.
  const loadCpuUsPerMessage = workload.kind === 'h2load' ? undefined : used.loadCpuUsPerMessage
  // h2load does not read the answers of gRPC, the others count those that say OK.
  return { ...result, ...used, loadCpuUsPerMessage, counted: { stored, acknowledged: result.okInAll } }
}

/** Sends to a new server that nobody measures. */
export async function warmUp(
  server: Pick<Deployment, 'endpoints'>,
  topic: string,
  { firstCalls: calls }: Size,
): Promise<void> {
  const { connections, depth, bodyBytes } = FLOOR_SEND
  const opened = await connectAll(server.endpoints, connections)
  const request = sendRequest(topic, bodyOf(bodyBytes))
  const caller = unaryCaller(opened, SEND_PATH, () => request)
  const [slots, none] = [connections * depth, { calls: 0 }]
  await runClosedLoop({ caller, slots, warmUp: none, measure: { calls }, observer: nobody, nowMs })
  for (const connection of opened) connection.close()
}

/** SendMessage against a server that stores nothing. */
export async function runBareEcho(
  workload: Extract<Workload, { kind: 'send' }>,
  server: { readonly process: ServerProcess; readonly endpoints: string },
  { size }: RunContext,
): Promise<CellRun> {
  const usage = createUsageWindow([server.process])
  const result = await closedSend(workload, server.endpoints, 'bench', usage, size)
  return { ...result, ...usage.perMessage(result.calls), counted: undefined }
}

function loadOf(
  workload: Workload,
  deployment: Deployment,
  topic: string,
  usage: UsageWindow,
  context: RunContext,
): Promise<LoadResult> {
  const { size } = context
  switch (workload.kind) {
    case 'send':
      return closedSend(workload, deployment.endpoints, topic, usage, size)
    case 'transaction':
      return transactions(workload, deployment.endpoints, topic, usage, size)
    case 'remoting-send':
      return remotingSend(workload, deployment.broker, topic, usage, size)
    case 'h2load':
      return h2load(workload, deployment.endpoints, topic, usage, context)
    case 'send-at-rate':
      return sendAtRate(workload, deployment.endpoints, topic, usage, size)
    case 'drain':
      return runDrain(workload, deployment, topic, usage, size)
    case 'end-to-end':
      return runEndToEnd(workload, deployment, topic, usage, size)
  }
}

/** Resolves when clients find the topic: its broker tells the nameserver a moment after it made it. */
export async function createTopic(
  { broker, nameserver }: Deployment,
  topic: string,
  type: MessageType = 'NORMAL',
): Promise<void> {
  const network = createNodeNetwork()
  const options = { clock: nodeClock, scheduler: nodeScheduler }
  const peers = createPeerSource({ clock: nodeClock, connect: (address) => connectPeer(network, address, options) })
  try {
    const attributes = new Map([[MESSAGE_TYPE_ATTRIBUTE, type]])
    const config = topicConfig(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES, attributes })
    await createBrokerClient({ peers }).createTopic(broker, config)
    const nameServers = createNameServerClient({ addresses: [nameserver], peers })
    const deadline = nowMs() + ROUTE_MS_MAX
    while ((await nameServers.topicRoute(topic)) === undefined) {
      if (nowMs() > deadline) throw new Error(`no route of topic '${topic}' within ${ROUTE_MS_MAX} ms of its creation`)
      await sleep(ROUTE_POLL_MS)
    }
  } finally {
    peers.close()
  }
}

interface ClosedShape {
  readonly connections: number
  readonly depth: number
  readonly bodyBytes: number
}

function closedLoop(caller: Caller, { connections, depth }: ClosedShape, observer: UsageWindow, size: Size) {
  const { warmUp, measure } = size
  return runClosedLoop({ caller, slots: connections * depth, warmUp, measure, observer, nowMs })
}

async function closedSend(shape: ClosedShape, endpoints: string, topic: string, usage: UsageWindow, size: Size) {
  const connections = await connectAll(endpoints, shape.connections)
  const request = sendRequest(topic, bodyOf(shape.bodyBytes))
  const caller = unaryCaller(connections, SEND_PATH, () => request, saysOk)
  const result = await closedLoop(caller, shape, usage, size)
  for (const connection of connections) connection.close()
  return result
}

async function transactions(shape: ClosedShape, endpoints: string, topic: string, usage: UsageWindow, size: Size) {
  const connections = await connectAll(endpoints, shape.connections)
  const result = await closedLoop(transactionCaller(connections, topic, bodyOf(shape.bodyBytes)), shape, usage, size)
  for (const connection of connections) connection.close()
  return result
}

async function remotingSend(shape: ClosedShape, broker: string, topic: string, usage: UsageWindow, size: Size) {
  const peers = await connectPeers(broker, shape.connections)
  const result = await closedLoop(remotingSender(peers, topic, bodyOf(shape.bodyBytes)), shape, usage, size)
  for (const peer of peers) peer.close()
  return result
}

/** A warm-up of its own, then one run; it tells no latencies that could be compared. */
async function h2load(
  { connections, depth, bodyBytes }: ClosedShape,
  endpoints: string,
  topic: string,
  usage: UsageWindow,
  { size, folder }: RunContext,
): Promise<LoadResult> {
  const bodyFile = join(folder, 'h2load-body')
  writeFileSync(bodyFile, sendRequest(topic, bodyOf(bodyBytes)))
  const options = { url: `http://${endpoints}${SEND_PATH}`, bodyFile, connections, depth }
  const slots = connections * depth
  const warmUp = await runH2Load({ ...options, calls: Math.max(slots, Math.round(size.h2loadCalls / 10)) })
  usage.begin()
  const run = await runH2Load({ ...options, calls: Math.max(slots, size.h2loadCalls) })
  usage.end()
  return {
    calls: run.succeeded,
    failed: run.failed,
    ms: (run.succeeded * 1000) / run.perSecond,
    perSecond: run.perSecond,
    latencyUs: undefined,
    okInAll: warmUp.succeeded + run.succeeded,
    failedInAll: warmUp.failed + run.failed,
  }
}

async function sendAtRate(
  { connections: count, bodyBytes }: Extract<Workload, { kind: 'send-at-rate' }>,
  endpoints: string,
  topic: string,
  observer: UsageWindow,
  { openLoopPerSecond: perSecond, openLoopMs: measureMs }: Size,
): Promise<LoadResult> {
  const connections = await connectAll(endpoints, count)
  const request = sendRequest(topic, bodyOf(bodyBytes))
  const caller = unaryCaller(connections, SEND_PATH, () => request)
  const warmUpMs = measureMs / 2
  const result = await runOpenLoop({ caller, perSecond, warmUpMs, measureMs, observer, nowMs, soon: setImmediate })
  for (const connection of connections) connection.close()
  return result
}

function bodyOf(bytes: number): Buffer {
  return Buffer.alloc(bytes, 'rocketmq')
}
