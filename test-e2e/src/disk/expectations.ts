// What must hold while a disk is faulty, and when it is not any more.
import { setTimeout as sleep } from 'node:timers/promises'
import { usageOf } from '../bad-input/bystander.ts'
import { readSeries } from '../ledger.ts'
import { expectThat } from '../steps.ts'
import type { Answer } from './prober.ts'
import type { Scene } from './scene.ts'

const MIB = 1024 * 1024
/** A send that can not be taken is refused within this time. */
const REFUSED_MS_MAX = 1_000
/** Java's broker answers so when its disk is full or its store can not be written, and its proxy so for that. */
const REFUSED_CODES = { gRPC: 'INTERNAL_SERVER_ERROR', remoting: '14' } as const
const REFUSED_ROUNDS = 15
const READ_ROUNDS = 5
/** Far more than lie behind them in the queues. */
const UNCHANGED_ROUNDS = 40
const READ_MS_MAX = 1_000
/** Space that is back is noticed within this time. */
const RECOVERED_MS_MAX = 5_000
const POLL_MS = 50
const HEALTH_MS_MAX = 1_000
/** From the fault to the first refusal. */
const NOTICED_MS_MAX = 60_000

/** Codes of both ways when a message is stored and its flush takes too long, and when the disk is behind. */
export const LATE_CODES = { gRPC: 'MASTER_PERSISTENCE_TIMEOUT', remoting: '10' } as const
export const BUSY_CODES = { gRPC: 'TOO_MANY_REQUESTS', remoting: '2' } as const

/** Sends until both ways refuse; resolves with how many were taken before. `kind` begins the names of the messages. */
export async function untilRefused({ prober }: Scene, kind?: string): Promise<number> {
  const untilMs = performance.now() + NOTICED_MS_MAX
  for (let taken = 0; ; taken += 1) {
    const answers = await prober.send(kind)
    if (answers.every(({ over, code }) => code === REFUSED_CODES[over])) return taken
    expectThat(performance.now() < untilMs, `${taken} rounds, and still ${describe(answers)}`)
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

/** Sends until both ways answer with these codes; resolves with how long such an answer took at most. */
export async function untilAnswered(
  { prober }: Scene,
  codes: Readonly<Record<Answer['over'], string>>,
  kind?: string,
): Promise<number> {
  const untilMs = performance.now() + NOTICED_MS_MAX
  for (;;) {
    const answers = await prober.send(kind)
    if (answers.every(({ over, code }) => code === codes[over])) return Math.max(...answers.map(({ ms }) => ms))
    expectThat(performance.now() < untilMs, `answered ${describe(answers)}`)
  }
}

/** Every send is taken, and in this time. */
export async function expectSlowSends({ prober }: Scene, msMax: number): Promise<string> {
  let slowestMs = 0
  for (let round = 0; round < REFUSED_ROUNDS; round += 1) {
    const answers = await prober.send()
    expectThat(
      answers.every(({ code }) => code === 'OK'),
      describe(answers),
    )
    slowestMs = Math.max(slowestMs, ...answers.map(({ ms }) => ms))
  }
  expectThat(slowestMs <= msMax, `the slowest took ${Math.round(slowestMs)} ms`)
  return `the slowest after ${Math.round(slowestMs)} ms`
}

/** The late group gets what it can of the messages sent before; resolves with how many are missing then. */
export async function untilNothingComes({ receiveLate, missing }: Scene): Promise<number> {
  const beforeMs = performance.now()
  let left = missing(beforeMs)
  for (let rounds = 0; rounds < UNCHANGED_ROUNDS; rounds += 1) {
    await receiveLate()
    const now = missing(beforeMs)
    if (now !== left) rounds = 0
    left = now
  }
  return left
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

/** Sends are taken again, without a restart. `leftMs`: so long the fault may last. */
export async function expectRecovered(scene: Scene, leftMs = 0): Promise<string> {
  const { pid } = scene.broker
  const fromMs = performance.now()
  for (;;) {
    const answers = await scene.prober.send()
    const ms = performance.now() - fromMs
    if (answers.every(({ code }) => code === 'OK')) {
      expectThat(scene.broker.isRunning && scene.broker.pid === pid, 'the broker was started again')
      return `after ${Math.round(ms)} ms`
    }
    expectThat(ms < leftMs + RECOVERED_MS_MAX, `after ${Math.round(ms)} ms still ${describe(answers)}`)
    await sleep(POLL_MS)
  }
}

export async function expectTaken({ prober }: Scene): Promise<void> {
  const answers = await prober.send()
  expectThat(
    answers.every(({ code }) => code === 'OK'),
    describe(answers),
  )
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

/** What a process may hold on behalf of a disk that is behind, above what it has anyway. */
export function expectBoundedMemory({ broker }: Scene, bytesMax: number): string {
  const bytes = usageOf(broker.pid)?.rssBytes ?? Infinity
  expectThat(bytes <= bytesMax, `the broker has ${Math.round(bytes / MIB)} MiB`)
  return `${Math.round(bytes / MIB)} MiB`
}

export async function expectMetric({ broker }: Scene, metric: string, value: number): Promise<void> {
  const series = await readSeries(broker.healthUrl, metric)
  expectThat(series.length === 1 && series[0]?.value === value, `${metric} is ${series[0]?.value}`)
}

function describe(answers: readonly Answer[]): string {
  return answers.map(({ over, code, text }) => `${over}: ${code} ${text}`).join('; ')
}
