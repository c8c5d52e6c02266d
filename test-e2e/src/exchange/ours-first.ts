// An operator has begun with ours, goes to Apache's broker, and comes back.
import { setTimeout as sleep } from 'node:timers/promises'
import { Delayed } from './delayed.ts'
import { createTopicsAndGroups, TOPICS } from './load.ts'
import type { RemotingClient } from './remoting-client.ts'
import { createGroup, maxOffset, type QueueName } from './requests.ts'
import type { Scene } from './scene.ts'
import { Worker } from './worker.ts'

const [WORKERS_TOPIC = '', DYING_TOPIC = ''] = TOPICS
const GROUPS = ['workers', 'dying', 'readers']
const DYING_DEAD: QueueName = { topic: '%DLQ%dying', queueId: 0 }
const WORKED = 320
const DEAD = 16
const INVISIBLE_MS = 20_000
const DYING_INVISIBLE_MS = 1_000
const DEAD_MS_MAX = 20_000

export async function oursFirst(scene: Scene): Promise<void> {
  const { site, book, messages } = scene
  const workers = new Worker(WORKERS_TOPIC, 'workers')
  const dying = new Worker(DYING_TOPIC, 'dying')
  const delayed = new Delayed(scene)
  const unacked = (worker: Worker) =>
    book
      .of(worker.topic)
      .map(({ number }) => number)
      .filter((number) => !worker.acked.has(number))

  let visit = await site.open('ours')
  await createTopicsAndGroups(visit.client, GROUPS)
  await createGroup(visit.client, 'dying', { retryMaxTimes: 0 })
  await delayed.create(visit)
  await delayed.sendSoon(visit)
  await scene.fill(visit, messages)
  await dying.pop(visit.client, DEAD, DYING_INVISIBLE_MS)
  await scene.check('ours has a dead-letter topic with them', () => untilDead(visit.client))
  const worked = await workers.pop(visit.client, WORKED, INVISIBLE_MS)
  await workers.ack(
    visit.client,
    worked.filter((_, index) => index % 2 === 0),
  )
  let learned = await scene.learn(visit, [DYING_DEAD])
  await delayed.check(visit)
  await delayed.sendLate(visit)
  await visit.stop()

  visit = await site.open('Apache')
  await scene.checkSame(visit, learned)
  await scene.checkAll(visit, 'readers')
  await scene.checkDelivered(visit, workers, unacked(workers).slice(0, 2 * WORKED), { duplicates: 'allowed' })
  await scene.fill(visit, Math.ceil(messages / 10))
  await delayed.sendSoon(visit)
  await delayed.check(visit)
  const out = await workers.pop(visit.client, DEAD, INVISIBLE_MS)
  await workers.ack(visit.client, out.slice(0, DEAD / 2))
  learned = await scene.learn(visit, [DYING_DEAD])
  await delayed.sendLate(visit)
  await visit.stop()

  visit = await site.open('ours')
  await scene.checkSame(visit, learned)
  await scene.checkAll(visit, 'readers')
  await scene.checkDelivered(visit, workers, unacked(workers))
  await delayed.check(visit)
  await visit.stop()
}

async function untilDead(client: RemotingClient): Promise<void> {
  const untilMs = performance.now() + DEAD_MS_MAX
  for (;;) {
    const dead = await maxOffset(client, DYING_DEAD).catch(() => 0)
    if (dead === DEAD) return
    if (performance.now() > untilMs) throw new Error(`${dead} of ${DEAD} messages are in it`)
    await sleep(100)
  }
}
