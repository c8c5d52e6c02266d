// An operator comes from Apache's broker, goes back to it, and comes again; in between each of the two is killed.
import { setTimeout as sleep } from 'node:timers/promises'
import { Delayed } from './delayed.ts'
import { bodyOf, createTopicsAndGroups, numberOf, passBytes, QUEUES, TOPICS } from './load.ts'
import { untilOffsetsKept } from './offsets-file.ts'
import type { Question } from './questions.ts'
import type { RemotingClient } from './remoting-client.ts'
import { commitOffset, maxOffset, type PoppedMessage, type QueueName, send } from './requests.ts'
import type { Scene } from './scene.ts'
import { Worker } from './worker.ts'

const [
  WORKERS_TOPIC = '',
  FAILING_TOPIC = '',
  SLOW_TOPIC = '',
  PULLED_TOPIC = '',
  LATE_TOPIC = '',
  LOST_TOPIC = '',
  CUT_TOPIC = '',
] = TOPICS
const GROUPS = ['workers', 'failing', 'slow', 'pullers', 'late', 'lost', 'cut-off', 'readers']
/** Longer than Apache's broker takes to stop. */
const INVISIBLE_MS = 30_000
const LONG_INVISIBLE_MS = 600_000
const FAILED_INVISIBLE_MS = 1_000
const REVIVED_MS_MAX = 60_000
const WORKED = 320
const FAILED = 64
const SLOW = 32
const SENT_BACK = 10

const SEGMENTS_BEHIND = 3
const AHEAD_MS = 4_000
/** Ours writes a checkpoint every 10 s. */
const CHECKPOINTED_MS = 11_000

const FAILING_RETRY: QueueName = { topic: `%RETRY%failing_${FAILING_TOPIC}`, queueId: 0 }
const PULLERS_RETRY: QueueName = { topic: '%RETRY%pullers', queueId: 0 }
const PULLERS_DEAD: QueueName = { topic: '%DLQ%pullers', queueId: 0 }
const FURTHER = [FAILING_RETRY, PULLERS_RETRY, PULLERS_DEAD]

interface Workers {
  readonly workers: Worker
  readonly failing: Worker
  readonly slow: Worker
  readonly late: Worker
  /** At work when ours is killed. */
  readonly lost: Worker
  /** At work when Apache's is killed. */
  readonly cutOff: Worker
  /** Popped from Apache's broker, with its handles, and not acknowledged. */
  slowOut: PoppedMessage[]
  workersOut: PoppedMessage[]
}

export async function apacheFirst(scene: Scene): Promise<void> {
  const { site, messages } = scene
  const group: Workers = {
    workers: new Worker(WORKERS_TOPIC, 'workers'),
    failing: new Worker(FAILING_TOPIC, 'failing'),
    slow: new Worker(SLOW_TOPIC, 'slow'),
    late: new Worker(LATE_TOPIC, 'late'),
    lost: new Worker(LOST_TOPIC, 'lost'),
    cutOff: new Worker(CUT_TOPIC, 'cut-off'),
    slowOut: [],
    workersOut: [],
  }

  const delayed = new Delayed(scene)
  let visit = await site.open('Apache')
  await createTopicsAndGroups(visit.client, GROUPS)
  await delayed.create(visit)
  await delayed.sendSoon(visit)
  await scene.fill(visit, messages)
  await scene.check('Apache has popped, retried and dead messages', () => consumeOnApache(visit.client, group))
  let learned = await scene.learn(visit, FURTHER, offsetQuestions())
  await delayed.check(visit)
  await delayed.sendLate(visit)
  await visit.stop()

  visit = await site.open('ours')
  await scene.checkSame(visit, learned)
  await checkSlow(scene, visit.client, group)
  await scene.checkDelivered(visit, group.failing, unacked(scene, group.failing))
  await scene.checkDelivered(visit, group.workers, group.workersOut.map(numberOf))
  await scene.checkAll(visit, 'readers')
  await delayed.check(visit)
  await delayed.sendSoon(visit)
  await scene.fill(visit, Math.ceil(messages / 10))
  const late = await group.late.pop(visit.client, SLOW, INVISIBLE_MS)
  await group.late.ack(visit.client, late.slice(0, SLOW / 2))
  learned = await scene.learn(visit, FURTHER)
  await delayed.sendLate(visit)
  await visit.stop()

  visit = await site.open('Apache')
  await scene.checkSame(visit, learned)
  await scene.checkAll(visit, 'readers')
  const anyAgain = { duplicates: 'allowed' } as const
  await scene.checkDelivered(visit, group.late, unacked(scene, group.late), anyAgain)
  await delayed.check(visit)
  await scene.checkDelivered(visit, group.workers, unacked(scene, group.workers), anyAgain)
  await scene.fill(visit, Math.ceil(messages / 20))
  const out = await group.cutOff.pop(visit.client, SLOW, INVISIBLE_MS)
  await group.cutOff.ack(visit.client, out.slice(0, SLOW / 2))
  learned = await scene.learn(visit, FURTHER)
  await untilOffsetsKept(scene, ['cut-off'])
  await visit.kill()

  visit = await site.open('ours')
  await scene.checkSame(visit, learned)
  await scene.checkAll(visit, 'readers')
  await scene.checkDelivered(visit, group.cutOff, unacked(scene, group.cutOff))
  // What it had popped at first is in its timer, whoever has acknowledged it since.
  await scene.checkDelivered(visit, group.workers, unacked(scene, group.workers), anyAgain)
  await scene.fill(visit, Math.ceil(messages / 20))
  await leaveBehind(scene, visit.client)
  const lost = await group.lost.pop(visit.client, SLOW, INVISIBLE_MS)
  await group.lost.ack(visit.client, lost.slice(0, SLOW / 2))
  learned = await scene.learn(visit, FURTHER)
  // At once: Apache's broker drops key index files that are newer than the checkpoint, so ours has written one by now.
  await visit.kill()

  visit = await site.open('Apache')
  await scene.checkSame(visit, learned)
  await scene.checkAll(visit, 'readers')
  await scene.checkDelivered(visit, group.lost, unacked(scene, group.lost), anyAgain)
  await visit.kill()
}

/**
 * What was sent so far gets as old as Apache's broker never reads after a kill by itself: older than the last segments and
 * than our last checkpoint, by more than the three seconds that it allows for.
 */
async function leaveBehind({ site }: Scene, client: RemotingClient): Promise<void> {
  await sleep(AHEAD_MS)
  await passBytes(client, SEGMENTS_BEHIND * site.segmentBytes)
  await sleep(CHECKPOINTED_MS)
}

/** Everything of its topic that the group has not acknowledged. */
function unacked(scene: Scene, { topic, acked }: Worker): number[] {
  return scene.book
    .of(topic)
    .map(({ number }) => number)
    .filter((number) => !acked.has(number))
}

function offsetQuestions(): Question[] {
  return Array.from({ length: QUEUES }, (_, queueId) => ({
    kind: 'offset',
    group: 'pullers',
    topic: PULLED_TOPIC,
    queueId,
  }))
}

async function consumeOnApache(client: RemotingClient, group: Workers): Promise<void> {
  await group.failing.pop(client, FAILED, FAILED_INVISIBLE_MS)
  for (let queueId = 0; queueId < QUEUES; queueId += 1) {
    await commitOffset(client, 'pullers', { topic: PULLED_TOPIC, queueId }, 5 + queueId)
  }
  for (let index = 0; index < SENT_BACK; index += 1) {
    const body = bodyOf(index)
    await send(client, { ...PULLERS_RETRY, body, properties: { UNIQ_KEY: `retry-${index}` }, reconsumeTimes: 1 })
    await send(client, { ...PULLERS_RETRY, body, properties: { UNIQ_KEY: `dead-${index}` }, reconsumeTimes: 99 })
  }
  const slow = await group.slow.pop(client, SLOW, LONG_INVISIBLE_MS)
  await group.slow.ack(client, slow.slice(0, SLOW / 4))
  group.slowOut = slow.slice(SLOW / 4)
  await untilRevived(client)
  const worked = await group.workers.pop(client, WORKED, INVISIBLE_MS)
  await group.workers.ack(client, everySecond(worked, 0))
  group.workersOut = everySecond(worked, 1)
}

function everySecond<T>(items: readonly T[], from: number): T[] {
  return items.filter((_, index) => index % 2 === from)
}

/** What was not acknowledged comes to the retry topic with the timer. */
async function untilRevived(client: RemotingClient): Promise<void> {
  const untilMs = performance.now() + REVIVED_MS_MAX
  for (;;) {
    const revived = await maxOffset(client, FAILING_RETRY).catch(() => 0)
    if (revived >= FAILED) return
    if (performance.now() > untilMs) throw new Error(`${revived} of ${FAILED} messages are in the retry topic`)
    await sleep(200)
  }
}

/** What is out for a long time stays out, and the handles that Apache's broker gave still acknowledge it. */
async function checkSlow(scene: Scene, client: RemotingClient, group: Workers): Promise<void> {
  await scene.check('ours takes handles that Apache gave', async () => {
    await group.slow.ack(client, group.slowOut.slice(0, SLOW / 4))
  })
  await scene.check('ours waits with what is still invisible', async () => {
    const out = new Set(group.slowOut.map(numberOf))
    const { times } = await group.slow.drain(
      client,
      unacked(scene, group.slow).filter((n) => !out.has(n)),
      {
        withinMs: 30_000,
      },
    )
    const early = [...times.keys()].filter((number) => out.has(number))
    if (early.length > 0) throw new Error(`${early.length} came before their time`)
  })
}
