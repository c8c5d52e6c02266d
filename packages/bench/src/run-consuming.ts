// The workloads that consume: a backlog that is drained, and messages that go all the way at a fixed rate.
import { setTimeout as sleep } from 'node:timers/promises'
import { Histogram } from './histogram.ts'
import { runClosedLoop } from './load/closed-loop.ts'
import { connectAll, type Consumer, SEND_PATH, sendRequest, startConsumer, unaryCaller } from './load/grpc-calls.ts'
import type { GrpcConnection } from './load/grpc-connection.ts'
import { type LoadResult, nobody, type WindowObserver } from './load/load.ts'
import { runOpenLoop } from './load/open-loop.ts'
import type { Deployment } from './servers/deployment.ts'
import type { Size } from './sizes.ts'
import type { Workload } from './workloads.ts'

/** How long all that was sent may take to arrive and be acknowledged. */
const ARRIVE_MS_MAX = 60_000
const LOOK_MS = 2
const SENDERS_DEPTH = 32
/** Every deployment of the benchmark has this one broker. */
const BROKER_NAMES = ['broker-a']

const nowMs = (): number => performance.now()

interface Progress {
  received: number
  acknowledged: number
  refused: number
}

/** Rejects, with what is missing, when not everything is acknowledged in time. */
async function allAcknowledged(progress: Progress, messages: number): Promise<void> {
  const deadline = nowMs() + ARRIVE_MS_MAX
  while (progress.acknowledged + progress.refused < messages) {
    if (nowMs() > deadline) {
      const { received, acknowledged } = progress
      throw new Error(`of ${messages} messages, ${received} were received and ${acknowledged} acknowledged in time`)
    }
    await sleep(LOOK_MS)
  }
}

/** A backlog of a quarter to warm up, then the one that is measured until every message of it is acknowledged. */
export async function runDrain(
  { connections: count, receivers, bodyBytes }: Extract<Workload, { kind: 'drain' }>,
  { endpoints }: Deployment,
  topic: string,
  observer: WindowObserver,
  { backlog }: Size,
): Promise<LoadResult> {
  const connections = await connectAll(endpoints, count)
  const request = sendRequest(topic, Buffer.alloc(bodyBytes, 'rocketmq'))
  const send = (calls: number) =>
    runClosedLoop({
      caller: unaryCaller(connections, SEND_PATH, () => request),
      slots: count * SENDERS_DEPTH,
      warmUp: { calls: 0 },
      measure: { calls },
      observer: nobody,
      nowMs,
    })
  const drain = async (messages: number, window: WindowObserver) => {
    const progress: Progress = { received: 0, acknowledged: 0, refused: 0 }
    const consuming = await connectAll(endpoints, count)
    window.begin()
    const startMs = nowMs()
    const consumer = startConsumer({
      ...countingInto(progress),
      connections: consuming,
      topic,
      group: topic,
      receivers,
    })
    await allAcknowledged(progress, messages)
    const ms = nowMs() - startMs
    window.end()
    await stopNow(consumer, consuming)
    return { ...progress, ms }
  }

  const first = await send(Math.ceil(backlog / 4))
  const warmUp = await drain(first.okInAll, nobody)
  const sent = await send(backlog)
  const { received, acknowledged, refused, ms } = await drain(sent.okInAll, observer)
  for (const connection of connections) connection.close()
  return {
    calls: acknowledged,
    // Also what was delivered twice: nothing of a backlog may become visible again within a run.
    failed: refused + received - sent.okInAll,
    ms,
    perSecond: (acknowledged * 1000) / ms,
    latencyUs: undefined,
    okInAll: first.okInAll + sent.okInAll,
    failedInAll: first.failedInAll + sent.failedInAll + warmUp.refused + refused,
  }
}

/** A warm-up of half the length, then the messages that are measured: from the intended start of a send to its arrival. */
export async function runEndToEnd(
  { connections: count, receivers, bodyBytes }: Extract<Workload, { kind: 'end-to-end' }>,
  { endpoints }: Deployment,
  topic: string,
  observer: WindowObserver,
  { openLoopPerSecond: perSecond, openLoopMs }: Size,
): Promise<LoadResult> {
  const connections = await connectAll(endpoints, count)
  const consuming = await connectAll(endpoints, count)
  const body = Buffer.alloc(bodyBytes)
  const progress: Progress = { received: 0, acknowledged: 0, refused: 0 }
  let latencies = new Histogram()
  const counting = countingInto(progress)
  const consumer = startConsumer({
    ...counting,
    connections: consuming,
    topic,
    group: topic,
    receivers,
    received(message) {
      counting.received()
      latencies.record(nowMs() - Buffer.from(message.body).readDoubleBE(0))
    },
  })
  const send = (measureMs: number) =>
    runOpenLoop({
      caller(slot, done, meantMs) {
        body.writeDoubleBE(meantMs)
        const request = sendRequest(topic, body)
        unaryCaller(connections, SEND_PATH, () => request)(slot, done, meantMs)
      },
      perSecond,
      warmUpMs: 0,
      measureMs,
      observer: nobody,
      nowMs,
      soon: setImmediate,
    })

  const warmUp = await send(openLoopMs / 2)
  await allAcknowledged(progress, warmUp.okInAll)
  latencies = new Histogram()
  observer.begin()
  const sent = await send(openLoopMs)
  const okInAll = warmUp.okInAll + sent.okInAll
  await allAcknowledged(progress, okInAll)
  observer.end()
  await stopNow(consumer, consuming)
  for (const connection of connections) connection.close()
  return {
    ...sent,
    failed: sent.failed + progress.refused + progress.received - okInAll,
    latencyUs: latencies.summary(),
    okInAll,
    failedInAll: warmUp.failedInAll + sent.failedInAll + progress.refused,
  }
}

/** Everything has arrived: nobody waits for the receives that wait for more. */
function stopNow(consumer: Consumer, connections: readonly GrpcConnection[]): Promise<void> {
  const stopped = consumer.stop()
  for (const connection of connections) connection.close()
  return stopped
}

function countingInto(progress: Progress) {
  return {
    brokerNames: BROKER_NAMES,
    received() {
      progress.received += 1
    },
    acknowledged(ok: boolean) {
      if (ok) progress.acknowledged += 1
      else progress.refused += 1
    },
  }
}
