// `npm run e2e:exchange -- --record`: folders that Apache's broker leaves, small enough to commit, with what it answered
// before. Tests of the broker open them where Java is missing.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apacheVersion } from '../apache/class-path.ts'
import { bodyOf, createTopicsAndGroups, numberOf, QUEUES, TOPICS } from './load.ts'
import { type Question, textOf } from './questions.ts'
import { commitOffset, maxOffset, type QueueName, send } from './requests.ts'
import type { Learned, Scene } from './scene.ts'
import { untilOffsetsKept } from './offsets-file.ts'
import type { Visit } from './site.ts'
import { packFolder } from './sparse-folder.ts'
import { Worker } from './worker.ts'

const FOLDER = fileURLToPath(new URL('../../../services/broker/test/golden', import.meta.url))
const PACKED_BYTES_MAX = 200_000

/** Files as small as the load allows: several of each kind, and few bytes. */
export const GOLDEN_SETTINGS = {
  mappedFileSizeCommitLog: 256 * 1024,
  mappedFileSizeConsumeQueue: 2_000,
  maxHashSlotNum: 500,
  maxIndexNum: 800,
  mappedFileSizeTimerLog: 100 * 1024,
  maxMessageSize: 65_536,
} as const

export const GOLDEN_MESSAGES = 800
const POPPED = 16
const FAILED_INVISIBLE_MS = 1_000
/** So long that offsets are in their file before. */
const INVISIBLE_MS = 15_000
const REVIVE_QUEUES = 8
const LONG_INVISIBLE_MS = 600_000
/** Of the questions of other kinds than bounds, one in so many is kept; prime, so that all kinds and queues are met. */
const QUESTIONS_APART = 7
const REVIVED_MS_MAX = 30_000
const GROUPS = ['workers', 'slow', 'pullers']
const [WORKERS_TOPIC = '', SLOW_TOPIC = '', PULLED_TOPIC = ''] = TOPICS
const REVIVE_TOPIC = 'rmq_sys_REVIVE_LOG_DefaultCluster'
const RETRY: QueueName = { topic: `%RETRY%workers_${WORKERS_TOPIC}`, queueId: 0 }
const SENT_BACK: QueueName = { topic: '%RETRY%pullers', queueId: 0 }
const DEAD: QueueName = { topic: '%DLQ%pullers', queueId: 0 }

/** What a group has done; by number of the message. */
interface Deliveries {
  readonly topic: string
  readonly group: string
  readonly acked: readonly number[]
  /** Popped for a long time and not acknowledged. */
  readonly out: readonly number[]
}

/** Clean stop: messages, keys, offsets, retried and dead ones, some popped for long. */
export async function recordCleanStop(scene: Scene): Promise<void> {
  const visit = await begin(scene)
  const workers = new Worker(WORKERS_TOPIC, 'workers')
  await workers.pop(visit.client, POPPED, FAILED_INVISIBLE_MS)
  await untilMax(visit, RETRY, POPPED)
  const deliveries = [await popHalf(visit, workers, LONG_INVISIBLE_MS), await popSlow(visit)]
  const learned = await scene.learn(visit, [RETRY, SENT_BACK, DEAD], offsetQuestions())
  await visit.stop()
  write(scene, 'clean-stop', learned, deliveries)
}

/** SIGKILL right after the last answer: nothing was closed, marks and checkpoints lag. */
export async function recordKilled(scene: Scene): Promise<void> {
  const visit = await begin(scene)
  const deliveries = [await popSlow(visit)]
  await untilOffsetsKept(scene, ['slow', 'pullers'])
  const learned = await scene.learn(visit, [SENT_BACK, DEAD])
  await visit.kill()
  write(scene, 'killed', learned, deliveries)
}

/** Some un-acked messages wait in the timer, others are in the revive topic already and not revived yet. */
export async function recordPopped(scene: Scene): Promise<void> {
  const visit = await begin(scene)
  const slow = await popSlow(visit)
  const learned = await scene.learn(visit, [])
  const workers = new Worker(WORKERS_TOPIC, 'workers')
  const { acked } = await popHalf(visit, workers, INVISIBLE_MS)
  await untilOffsetsKept(scene, ['slow', 'workers'])
  await untilHandedOver(visit)
  await visit.kill()
  write(scene, 'popped', learned, [{ topic: workers.topic, group: workers.group, acked, out: [] }, slow])
}

/** A broker with the load in it, and groups that have consumed as 4.x clients do. */
async function begin(scene: Scene): Promise<Visit> {
  const visit = await scene.site.open('Apache')
  const { client } = visit
  await createTopicsAndGroups(client, GROUPS)
  await scene.fill(visit, GOLDEN_MESSAGES)
  for (let queueId = 0; queueId < QUEUES; queueId += 1) {
    await commitOffset(client, 'pullers', { topic: PULLED_TOPIC, queueId }, 2 + queueId)
  }
  for (const [name, reconsumeTimes] of [
    ['retry', 1],
    ['dead', 99],
  ] as const) {
    const body = bodyOf(0)
    await send(client, { ...SENT_BACK, body, properties: { UNIQ_KEY: name }, reconsumeTimes })
  }
  return visit
}

async function popSlow(visit: Visit): Promise<Deliveries> {
  return await popHalf(visit, new Worker(SLOW_TOPIC, 'slow'), LONG_INVISIBLE_MS)
}

async function popHalf({ client }: Visit, worker: Worker, invisibleMs: number): Promise<Deliveries> {
  const popped = await worker.pop(client, POPPED, invisibleMs)
  await worker.ack(client, popped.slice(0, POPPED / 2))
  const { topic, group, acked } = worker
  return { topic, group, acked: [...acked], out: popped.slice(POPPED / 2).map(numberOf) }
}

async function untilMax({ client }: Visit, queue: QueueName, wanted: number): Promise<void> {
  const untilMs = performance.now() + REVIVED_MS_MAX
  while ((await maxOffset(client, queue).catch(() => 0)) < wanted) {
    if (performance.now() > untilMs) throw new Error(`${queue.topic} has not got ${wanted} messages`)
    await sleep(100)
  }
}

/** The timer hands over a second before a message is due; then it is revived. */
async function untilHandedOver({ client }: Visit): Promise<void> {
  const untilMs = performance.now() + REVIVED_MS_MAX
  for (;;) {
    for (let queueId = 0; queueId < REVIVE_QUEUES; queueId += 1) {
      if ((await maxOffset(client, { topic: REVIVE_TOPIC, queueId }).catch(() => 0)) > 0) return
    }
    if (performance.now() > untilMs) throw new Error(`nothing came to ${REVIVE_TOPIC}`)
    await sleep(20)
  }
}

function offsetQuestions(): Question[] {
  const queueIds = Array.from({ length: QUEUES }, (_, queueId) => queueId)
  return queueIds.map((queueId) => ({ kind: 'offset', group: 'pullers', topic: PULLED_TOPIC, queueId }))
}

/** A part of what the exchange itself asks is enough, so that a person can read it. */
function isAsked({ kind }: Question, index: number): boolean {
  return kind === 'max' || kind === 'offset' || index % QUESTIONS_APART === 0
}

/** The folder and what is to be expected of it, side by side. */
function write({ site, book, tell }: Scene, name: string, learned: Learned, deliveries: readonly Deliveries[]): void {
  mkdirSync(FOLDER, { recursive: true })
  const bytes = packFolder(site.folder, join(FOLDER, `${name}.store.br`))
  if (bytes > PACKED_BYTES_MAX) throw new Error(`${name} takes ${bytes} bytes, allowed are ${PACKED_BYTES_MAX}`)
  const failed = [...learned.answers].filter(([, answer]) => answer.startsWith('failed'))
  if (failed.length > 0) throw new Error(`not answered: ${failed.map((pair) => pair.join(': ')).join('; ')}`)
  const lines = {
    messages: book.all.map(({ topic, queueId, queueOffset }) => [topic, queueId, queueOffset]),
    deliveries,
    questions: learned.questions
      .filter(isAsked)
      .map((asked) => ({ ...asked, answer: learned.answers.get(textOf(asked)) })),
  }
  const text = Object.entries(lines).map(
    ([key, items]) => `"${key}":[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]`,
  )
  const head = JSON.stringify({ apache: apacheVersion(), settings: GOLDEN_SETTINGS }).slice(1, -1)
  writeFileSync(join(FOLDER, `${name}.expected.json`), `{${head},\n${text.join(',\n')}}\n`)
  tell(`${name}: ${bytes} bytes of store, ${lines.questions.length} questions`)
}
