// Topics as use cases ask for them: a route, made on the first question where the configuration says so.
import { isDeadLetterTopic, isRetryTopic, MqError } from '@rocketmq-ts/model'
import type { Clock, Scheduler } from '@rocketmq-ts/runtime'
import type { BrokerQueues, TopicRoute, TopicRoutes } from '../upstream/upstream.ts'
import { pause } from '../waiting.ts'

/** Creations under way at the same time; more wait for their turn, as a program that starts may use many topics … */
export const CREATIONS_MAX = 16
/** … and when so many wait, further ones are answered 'busy'. */
export const CREATIONS_WAITING_MAX = 1024
/** How long a new topic may take to show up at a nameserver, and the first pause between two looks. */
const APPEARS_WITHIN_MS = 2000
const LOOK_AGAIN_MS = 10

export interface Topics {
  /** The route, when it can be had without waiting; otherwise undefined: then ask `route`. */
  known(topic: string): TopicRoute | undefined
  /** The route of a topic; rejects with MqError 'topic-not-found'. */
  route(topic: string): Promise<TopicRoute>
  forget(topic: string): void
}

export interface TopicsDeps {
  readonly routes: TopicRoutes
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Queues of a topic made on demand; undefined: unknown topics stay unknown. */
  readonly createWithQueues: number | undefined
}

export function createTopics({ routes, clock, scheduler, createWithQueues }: TopicsDeps): Topics {
  /** Under way or waiting, by topic. */
  const creations = new Map<string, Promise<TopicRoute>>()
  const waiting: (() => void)[] = []
  let underWay = 0

  async function createInTurn(topic: string, queues: number): Promise<TopicRoute> {
    if (underWay < CREATIONS_MAX) underWay += 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await create(topic, queues)
    } finally {
      // The turn passes on to the next one, or is free.
      const next = waiting.shift()
      if (next === undefined) underWay -= 1
      else next()
    }
  }

  /** Each broker tells nameservers by itself: the first route that they give may name only some of them. */
  async function create(topic: string, queues: number): Promise<TopicRoute> {
    const names = await routes.createTopic(topic, queues)
    const deadline = clock.monotonicMs() + APPEARS_WITHIN_MS
    for (let wait = LOOK_AGAIN_MS; ; wait *= 2) {
      routes.forget(topic)
      const route = await routes.route(topic)
      if (route !== undefined && names.every((name) => hasBroker(route, name))) return route
      if (clock.monotonicMs() + wait <= deadline) {
        await pause(scheduler, wait)
        continue
      }
      if (route === undefined) break
      routes.refresh(topic)
      return route
    }
    throw new MqError('timeout', `topic '${topic}' was created, but no nameserver lists it yet: ask again in a moment`)
  }

  async function remedyFor(topic: string): Promise<string> {
    const derived = isRetryTopic(topic) || isDeadLetterTopic(topic)
    const create = derived ? 'its group makes it when it needs it' : `create it with: rmq topic create ${topic}`
    return (await routes.missingBrokers()) ?? `check its name, or ${create}`
  }

  return {
    known: (topic) => routes.known(topic),
    async route(topic) {
      const known = await routes.route(topic)
      if (known !== undefined) return known
      // Topics derived from a group are the broker's to make.
      if (createWithQueues === undefined || isRetryTopic(topic) || isDeadLetterTopic(topic)) {
        throw new MqError('topic-not-found', `topic '${topic}' does not exist: ${await remedyFor(topic)}`)
      }
      const running = creations.get(topic)
      if (running !== undefined) return running
      if (waiting.length >= CREATIONS_WAITING_MAX) {
        const text = `topic '${topic}': ${waiting.length} topics wait for their creation already: try again in a moment`
        throw new MqError('busy', text)
      }
      const creation = createInTurn(topic, createWithQueues).finally(() => creations.delete(topic))
      creations.set(topic, creation)
      return creation
    },
    forget: (topic) => routes.forget(topic),
  }
}

function hasBroker(route: TopicRoute, name: string): boolean {
  return route.brokers.some(({ brokerName }) => brokerName === name)
}

/** Brokers of the route that consumers may read from. */
export function readableBrokers(route: TopicRoute): readonly BrokerQueues[] {
  return route.brokers.filter((broker) => broker.readable && broker.readQueues > 0)
}
