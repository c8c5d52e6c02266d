// What must hold while a disk is faulty, and when it is not any more.
import { setTimeout as sleep } from 'node:timers/promises'
import { readSeries } from '../ledger.ts'
import { expectThat } from '../steps.ts'
import type { Answer } from './prober.ts'
import type { Scene } from './scene.ts'

/** A send that can not be taken is refused within this time. */
const REFUSED_MS_MAX = 1_000
/** Java's broker answers so when its disk is full or its store can not be written, and its proxy so for that. */
const REFUSED_CODES = { gRPC: 'INTERNAL_SERVER_ERROR', remoting: '14' } as const
const REFUSED_ROUNDS = 15
const READ_ROUNDS = 5
const READ_MS_MAX = 1_000
/** Space that is back is noticed within this time. */
const RECOVERED_MS_MAX = 5_000
const RETURNED_MS_MAX = 10_000
const POLL_MS = 50
const HEALTH_MS_MAX = 1_000
/** From the fault to the first refusal. */
const NOTICED_MS_MAX = 60_000

/** Sends until both ways refuse; resolves with how many were taken before. `kind` begins the names of the messages. */
export async function untilRefused({ prober }: Scene, kind?: string): Promise<number> {
  const untilMs = performance.now() + NOTICED_MS_MAX
  for (let taken = 0; ; taken += 1) {
    const answers = await prober.send(kind)
    if (answers.every(({ code }) => code !== 'OK')) return taken
    expectThat(performance.now() < untilMs, `${taken} sends were taken and none refused`)
  }
}

/** Every send is refused at once, with the code and a text that tell why. */
export async function expectRefused({ prober }: Scene, reason: RegExp): Promise<string> {
  let slowestMs = 0
  for (let round = 0; round < REFUSED_ROUNDS; round += 1) {
    for (const { over, code, text, ms } of await prober.send()) {
      expectThat(code === REFUSED_CODES[over], `${over}: answered ${code} ${text}`)
      expectThat(reason.test(text), `${over}: does not tell why: ${text}`)
      expectThat(ms < REFUSED_MS_MAX, `${over}: refused after ${Math.round(ms)} ms`)
      slowestMs = Math.max(slowestMs, ms)
    }
  }
  return `the slowest after ${Math.round(slowestMs)} ms`
}

/** Messages sent before are delivered, and acknowledged. */
export async function expectReads({ receiveLate }: Scene): Promise<string> {
  let messages = 0
  let slowestMs = 0
  for (let round = 0; round < READ_ROUNDS; round += 1) {
    const beganMs = performance.now()
    const { received, codes } = await receiveLate()
    const ms = performance.now() - beganMs
    expectThat(received > 0, `nothing came in round ${round}`)
    const refused = codes.filter((code) => code !== 'OK')
    expectThat(refused.length === 0, `acknowledgements were answered ${refused.join(', ')}`)
    expectThat(ms < READ_MS_MAX, `receiving and acknowledging took ${Math.round(ms)} ms`)
    messages += received
    slowestMs = Math.max(slowestMs, ms)
  }
  return `${messages} messages, the slowest round ${Math.round(slowestMs)} ms`
}

/** Sends are taken again, without a restart. */
export async function expectRecovered(scene: Scene): Promise<string> {
  const { pid } = scene.broker
  const fromMs = performance.now()
  for (;;) {
    const answers = await scene.prober.send()
    const ms = performance.now() - fromMs
    if (answers.every(({ code }) => code === 'OK')) {
      expectThat(scene.broker.isRunning && scene.broker.pid === pid, 'the broker was started again')
      return `after ${Math.round(ms)} ms`
    }
    expectThat(ms < RECOVERED_MS_MAX, `after ${Math.round(ms)} ms still ${describe(answers)}`)
    await sleep(POLL_MS)
  }
}

/** Sends are taken by a broker that was started again; proxies need a moment to see that it is back. */
export async function expectTaken({ prober }: Scene): Promise<void> {
  const fromMs = performance.now()
  for (;;) {
    const answers = await prober.send()
    if (answers.every(({ code }) => code === 'OK')) return
    expectThat(performance.now() - fromMs < RETURNED_MS_MAX, describe(answers))
    await sleep(POLL_MS)
  }
}

/** The health port answers at once; the nameserver has not given the broker up. */
export async function expectHealth(
  scene: Scene,
  expected: { readonly ready: boolean; readonly tells?: RegExp; readonly metric?: string },
): Promise<void> {
  const live = await scene.prober.health('/livez')
  expectThat(live.status === 200, `/livez says ${live.status}`)
  const ready = await scene.prober.health('/readyz')
  expectThat(ready.status === (expected.ready ? 200 : 503), `/readyz says ${ready.status}: ${ready.text}`)
  expectThat(expected.tells?.test(ready.text) ?? true, `/readyz does not tell: ${ready.text}`)
  for (const { ms } of [live, ready]) {
    expectThat(ms < HEALTH_MS_MAX, `the health port took ${Math.round(ms)} ms`)
  }
  if (expected.metric !== undefined) await expectMetric(scene, expected.metric, 1)
  const [nameserver] = scene.cluster.nameservers
  const known = await readSeries(nameserver?.healthUrl ?? '', 'rocketmq_ts_brokers_registered')
  expectThat(known[0]?.value === 1, `the nameserver knows ${known[0]?.value} brokers`)
}

export async function expectMetric({ broker }: Scene, metric: string, value: number): Promise<void> {
  const series = await readSeries(broker.healthUrl, metric)
  expectThat(series.length === 1 && series[0]?.value === value, `${metric} is ${series[0]?.value}`)
}

function describe(answers: readonly Answer[]): string {
  return answers.map(({ over, code, text }) => `${over}: ${code} ${text}`).join('; ')
}
