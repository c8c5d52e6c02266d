// A consumer group at work on one topic, over all brokers that have the folder in turn, and its memory: what was
// acknowledged must not come again, all else must come.
import { setTimeout as sleep } from 'node:timers/promises'
import { numberOf } from './load.ts'
import type { RemotingClient } from './remoting-client.ts'
import { ack, pop, type PoppedMessage } from './requests.ts'

const IDLE_POLL_MS = 100
const ACKS_AT_ONCE = 64

export interface Drained {
  /** By number of the message, how often it came. */
  readonly times: ReadonlyMap<number, number>
  /** That were acknowledged before. */
  readonly again: readonly number[]
}

export class Worker {
  readonly topic: string
  readonly group: string
  /** Numbers of what was acknowledged. */
  readonly acked = new Set<number>()

  constructor(topic: string, group: string) {
    this.topic = topic
    this.group = group
  }

  /** Pops so many; fewer where no more come at once. */
  async pop(client: RemotingClient, count: number, invisibleMs: number): Promise<PoppedMessage[]> {
    const popped: PoppedMessage[] = []
    while (popped.length < count) {
      const some = await this.#popOnce(client, count - popped.length, invisibleMs)
      if (some.length === 0) break
      popped.push(...some)
    }
    return popped
  }

  async ack(client: RemotingClient, messages: readonly PoppedMessage[]): Promise<void> {
    for (let from = 0; from < messages.length; from += ACKS_AT_ONCE) {
      const some = messages.slice(from, from + ACKS_AT_ONCE)
      await Promise.all(some.map((message) => ack(client, this.group, message)))
      for (const message of some) this.acked.add(numberOf(message))
    }
  }

  /** Pops and acknowledges until each of these has come, or the time is over; what comes meanwhile is told. */
  async drain(
    client: RemotingClient,
    wanted: Iterable<number>,
    { withinMs, invisibleMs = 60_000 }: { readonly withinMs: number; readonly invisibleMs?: number },
  ): Promise<Drained> {
    const missing = new Set(wanted)
    const times = new Map<number, number>()
    const again: number[] = []
    const untilMs = performance.now() + withinMs
    while (missing.size > 0 && performance.now() < untilMs) {
      const some = await this.#popOnce(client, 32, invisibleMs)
      for (const message of some) {
        const number = numberOf(message)
        missing.delete(number)
        times.set(number, (times.get(number) ?? 0) + 1)
        if (this.acked.has(number)) again.push(number)
      }
      await this.ack(client, some)
      if (some.length === 0) await sleep(IDLE_POLL_MS)
    }
    return { times, again }
  }

  async #popOnce(client: RemotingClient, count: number, invisibleMs: number): Promise<PoppedMessage[]> {
    const { topic, group: consumerGroup } = this
    return await pop(client, { topic, consumerGroup, invisibleMs, messagesMax: Math.min(count, 32) })
  }
}
