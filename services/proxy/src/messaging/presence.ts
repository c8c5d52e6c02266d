// Brokers hear which topics of transactions have producers here, so that they know whom to ask: at once when a topic gets
// its first one, then again and again. Java: ClusterTransactionService.
import type { Scheduler, Timer } from '@rocketmq-ts/runtime'
import type { Producers } from '../sessions/producers.ts'
import type { ProducerAnnouncer } from '../upstream/upstream.ts'
import type { TopicTypes } from './topic-types.ts'

export interface PresenceDeps {
  readonly producers: Pick<Producers, 'topics'>
  readonly topicTypes: Pick<TopicTypes, 'known' | 'type'>
  readonly announcer: ProducerAnnouncer
  readonly scheduler: Scheduler
  /** Between two announcements. Java: transactionHeartbeatPeriodSecond. */
  readonly periodMs: number
  readonly onFailed: (error: unknown) => void
}

export interface Presence {
  /** A topic has producers that brokers do not know of. */
  changed(): void
  stop(): void
}

/** Topics whose first producers come together are announced together. */
const GATHER_MS = 20

export function createPresence(deps: PresenceDeps): Presence {
  const { topicTypes, scheduler } = deps
  let timer: Timer | undefined
  let isSoon = false
  let isRunning = false
  let stopped = false

  async function takesTransactions(topic: string): Promise<boolean> {
    try {
      const type = topicTypes.known(topic) ?? (await topicTypes.type(topic))
      return type === 'TRANSACTION' || type === 'MIXED'
    } catch {
      return false // nobody tells now: asked again next time
    }
  }

  async function announce(): Promise<void> {
    const topics: string[] = []
    for (const topic of Array.from(deps.producers.topics())) if (await takesTransactions(topic)) topics.push(topic)
    if (topics.length > 0 && !stopped) await deps.announcer.announceProducers(topics)
  }

  function run(): void {
    timer = undefined
    isSoon = false
    isRunning = true
    announce()
      .catch(deps.onFailed)
      .finally(() => {
        isRunning = false
        const [first] = deps.producers.topics()
        if (isSoon) arm(GATHER_MS)
        else if (first !== undefined) arm(deps.periodMs)
      })
  }

  function arm(delayMs: number): void {
    timer?.cancel()
    if (!stopped) timer = scheduler.after(delayMs, run)
  }

  return {
    changed() {
      if (isSoon) return
      isSoon = true
      if (!isRunning) arm(GATHER_MS)
    },
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}
