// Delayed messages that one broker takes and the other one delivers: each once.
import { setTimeout as sleep } from 'node:timers/promises'
import { someOf } from '../checks.ts'
import type { RemotingClient } from './remoting-client.ts'
import { ack, createTopic, maxOffset, pop, pull, type QueueName, send } from './requests.ts'
import type { Scene } from './scene.ts'
import type { Visit } from './site.ts'

const QUEUE: QueueName = { topic: 'delayed', queueId: 0 }
/** The broker that takes them delivers these itself … */
const SOON_MS = 1000
/** … and is stopped before these are due. */
const LATE_MS = 8000
/** Ten seconds. */
const LATE_LEVEL = 3
const EACH = 3
const DELIVERED_MS_MAX = 40_000
const POLL_MS = 100
const INVISIBLE_MS = 600_000

export class Delayed {
  readonly #scene: Scene
  /** Bodies of all that were taken. */
  readonly #sent: string[] = []
  #readings = 0

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** Before the first of them. */
  async create(visit: Visit): Promise<void> {
    await createTopic(visit.client, QUEUE.topic, 1)
  }

  /** Some that this broker is to deliver. */
  async sendSoon(visit: Visit): Promise<void> {
    await this.#send(visit, 'soon', () => ({ TIMER_DELIVER_MS: String(Date.now() + SOON_MS) }))
  }

  /** Some that are due when this broker has ended, by time and by level. To be called right before its end. */
  async sendLate(visit: Visit): Promise<void> {
    await this.#send(visit, 'late', () => ({ TIMER_DELIVER_MS: String(Date.now() + LATE_MS) }))
    await this.#send(visit, 'level', () => ({ DELAY: String(LATE_LEVEL) }))
  }

  /** All that were sent so far are there, each once. */
  async check(visit: Visit): Promise<void> {
    await this.#scene.check(`${visit.kind} has ${this.#sent.length} delayed messages, each once`, async () => {
      const untilMs = performance.now() + DELIVERED_MS_MAX
      while ((await maxOffset(visit.client, QUEUE)) < this.#sent.length && performance.now() < untilMs) {
        await sleep(POLL_MS)
      }
      this.#readings += 1
      const bodies = await readAll(visit, `delayed-readers-${this.#readings}`)
      const missing = this.#sent.filter((body) => !bodies.includes(body))
      const twice = bodies.filter((body, index) => bodies.indexOf(body) !== index)
      if (missing.length > 0 || twice.length > 0) {
        throw new Error(`missing are ${someOf(missing)}; came several times: ${someOf(twice)}`)
      }
    })
  }

  async #send(visit: Visit, what: string, propertiesOf: () => Readonly<Record<string, string>>): Promise<void> {
    for (let index = 0; index < EACH; index += 1) {
      const body = `${visit.kind} ${what} ${this.#sent.length}`
      this.#sent.push(body)
      const properties = { UNIQ_KEY: body.replaceAll(' ', '-'), ...propertiesOf() }
      await send(visit.client, { ...QUEUE, body: Buffer.from(body), properties })
    }
  }
}

async function readAll({ client, kind }: Visit, group: string): Promise<string[]> {
  const bodies = kind === 'Apache' ? await pullAll(client, group) : await popAll(client, group)
  return bodies.map((body) => body.toString())
}

async function pullAll(client: RemotingClient, group: string): Promise<Buffer[]> {
  const bodies: Buffer[] = []
  for (let next = 0; ;) {
    const messages = await pull(client, group, QUEUE, next)
    if (messages.length === 0) return bodies
    bodies.push(...messages.map(({ body }) => body))
    next = (messages.at(-1)?.queueOffset ?? next) + 1
  }
}

async function popAll(client: RemotingClient, consumerGroup: string): Promise<Buffer[]> {
  const bodies: Buffer[] = []
  for (;;) {
    const messages = await pop(client, { topic: QUEUE.topic, consumerGroup, invisibleMs: INVISIBLE_MS })
    if (messages.length === 0) return bodies
    bodies.push(...messages.map(({ body }) => body))
    await Promise.all(messages.map((message) => ack(client, consumerGroup, message)))
  }
}
