// Producers: messages at random times, each sent again a few times when no plain OK comes, under the same message id.
import {
  ClientType,
  Code,
  Encoding,
  type MessageInit,
  MessageType,
  MessagingService,
  type SendMessageResponse,
} from '@rocketmq-ts/grpc/v2'
import type { ProxyChannel } from '../cluster/proxy-channel.ts'
import { hashOf, makeBody } from './bodies.ts'
import type { SentMessage } from './history.ts'
import { type ClientContext, ENDPOINTS, resource, Session } from './session.ts'

/** Java: the default back-off policy of producers. */
const ATTEMPTS_MAX = 3
const RETRY_PAUSE_MS = 50
/** Sends of one producer under way at the same time. */
const SENDS_IN_FLIGHT_MAX = 16
const BATCH_MAX = 4

export interface ProducerPlan {
  readonly name: string
  readonly topics: readonly string[]
  readonly messages: number
  /** They are spread over this time. */
  readonly spanMs: number
  readonly bodyBytesMax: number
  readonly tags: readonly string[]
  /** Share of messages that nobody will ever acknowledge. */
  readonly poisonShare: number
  /** Share of sends that carry several messages. */
  readonly batchShare: number
  /** First sequence number. */
  readonly firstSeq: number
  readonly preferredProxy: number
}

export interface Producer {
  /** All its sends are through, one way or the other. */
  readonly done: boolean
}

interface Outgoing {
  readonly sent: SentMessage
  readonly message: MessageInit
}

export function startProducer(context: ClientContext, channels: readonly ProxyChannel[], plan: ProducerPlan): Producer {
  const { world, random, history } = context
  const session = new Session(context, {
    clientId: plan.name,
    clientType: ClientType.PRODUCER,
    channels,
    preferred: plan.preferredProxy,
    group: undefined,
    settings: { publishing: { topics: plan.topics.map(resource) } },
  })
  let made = 0
  let inFlight = 0
  let finished = false

  function make(topic: string): Outgoing {
    const seq = plan.firstSeq + made
    made += 1
    const bytes = Math.floor(plan.bodyBytesMax * random.fraction() ** 2)
    const body = makeBody(random, seq, bytes)
    const tag = random.pick(plan.tags)
    const messageId = `${plan.name}-${seq}`
    const sent: SentMessage = {
      seq,
      messageId,
      topic,
      tag,
      bodyHash: hashOf(body),
      poison: random.chance(plan.poisonShare),
    }
    history.messages.push(sent)
    const systemProperties = {
      messageId,
      tag,
      keys: [`key-${seq}`],
      messageType: MessageType.NORMAL,
      bodyEncoding: Encoding.IDENTITY,
      bornTimestamp: { seconds: Math.floor(context.effects.clock.nowMs() / 1000), nanos: 0 },
      bornHost: 'clients',
    }
    const userProperties = { poison: String(sent.poison) }
    return { sent, message: { topic: resource(topic), userProperties, systemProperties, body } }
  }

  function record(batch: readonly Outgoing[], startMs: number, answer: SendMessageResponse | undefined): boolean {
    let allOk = true
    for (const [index, { sent }] of batch.entries()) {
      const entry = answer?.entries[index]
      const ok = entry?.status?.code === Code.OK
      allOk &&= ok
      const outcome = ok ? 'ok' : 'unknown'
      const queueOffset = ok ? entry.offset : undefined
      history.sends.push({ seq: sent.seq, startMs, endMs: world.nowMs, outcome, queueOffset })
    }
    return allOk
  }

  async function send(batch: readonly Outgoing[]): Promise<void> {
    inFlight += 1
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const startMs = world.nowMs
      const messages = batch.map(({ message }) => message)
      const answer = await session.ask(MessagingService.SendMessage, { messages })
      if (record(batch, startMs, answer)) break
      await session.pause(RETRY_PAUSE_MS * attempt)
    }
    inFlight -= 1
  }

  async function roomToSend(): Promise<void> {
    if (inFlight < SENDS_IN_FLIGHT_MAX) return
    await session.pause(5)
    return roomToSend()
  }

  async function run(): Promise<void> {
    const meanGapMs = plan.spanMs / plan.messages
    for (const topic of plan.topics) {
      await session.ask(MessagingService.QueryRoute, { topic: resource(topic), endpoints: ENDPOINTS })
    }
    while (made < plan.messages) {
      await session.pause(-Math.log(1 - random.fraction()) * meanGapMs)
      const topic = random.pick(plan.topics)
      const size = random.chance(plan.batchShare) ? 1 + random.integer(BATCH_MAX) : 1
      const batch = Array.from({ length: Math.min(size, plan.messages - made) }, () => make(topic))
      void send(batch)
      await roomToSend()
    }
    finished = true
  }

  void run()
  return {
    get done() {
      return finished && inFlight === 0
    },
  }
}
