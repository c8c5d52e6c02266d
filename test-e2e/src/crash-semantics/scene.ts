// What the kinds of messages share: the clients at each proxy, what they got, and when to stop.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Checks } from '../checks.ts'
import type { Random } from '../random.ts'
import { createRawClient, type RawClient } from '../raw-client.ts'
import type { Rmq } from '../sdk/rmq.ts'
import { Arrivals } from './arrivals.ts'

/** After a failed call: there is nothing better to do while a node is down. */
const RETRY_MS = 100

/** One kind of message: its topic, its senders, and what must hold of it. */
export interface Kind {
  readonly topic: string
  readonly groups: readonly string[]
  /** Makes topic and groups. */
  create(rmq: Rmq): Promise<void>
  /** Sends until the scene says that it is enough; resolves when everything has an outcome. */
  send(): Promise<void>
  /** What the groups have not got yet and must get; undefined: nothing. */
  missing(): string | undefined
  judge(checks: Checks): void
  /** Sends that were acknowledged. */
  readonly acknowledged: number
  /** What it counted, for the report. */
  counts(): readonly (readonly [name: string, value: number | string])[]
}

export class Scene {
  readonly arrivals = new Arrivals()
  readonly random: Random
  readonly brokers: readonly string[]
  readonly #clients: readonly RawClient[]
  isSending = true
  isConsuming = true
  failedCalls = 0

  constructor(proxies: readonly string[], brokers: readonly string[], random: Random) {
    this.brokers = brokers
    this.random = random
    this.#clients = proxies.map((endpoints, index) => createRawClient(endpoints, `crash-semantics-${index}`))
  }

  /** Each turn is at another proxy. */
  client(turn: number): RawClient {
    return this.#clients[turn % this.#clients.length] as RawClient
  }

  get clients(): readonly RawClient[] {
    return this.#clients
  }

  async failed(): Promise<void> {
    this.failedCalls += 1
    await sleep(RETRY_MS)
  }

  /**
   * So many senders, each of one message after the other until the scene ends. A name says which it is; what fails counts
   * as a failed call. The turn moves on with each, so that the next one goes through another proxy.
   */
  async sendAll(senders: number, pauseMs: number, send: (name: string, turn: number) => Promise<void>): Promise<void> {
    const sendFrom = async (sender: number): Promise<void> => {
      for (let number = 0; this.isSending; number += 1) {
        try {
          await send(`${sender}/${number}`, sender + number)
        } catch {
          await this.failed()
        }
        await sleep(pauseMs)
      }
    }
    await Promise.all(Array.from({ length: senders }, (_, sender) => sendFrom(sender)))
  }

  /** Consumes a topic for a group at every broker through every proxy, until the scene ends. */
  async consume({ topic, groups }: Kind): Promise<void> {
    const loops: Promise<void>[] = []
    for (const group of groups) {
      for (const brokerName of this.brokers) {
        for (const client of this.#clients) loops.push(this.#consumeAt(client, topic, group, brokerName))
      }
    }
    await Promise.all(loops)
  }

  async #consumeAt(client: RawClient, topic: string, group: string, brokerName: string): Promise<void> {
    while (this.isConsuming) {
      try {
        await this.arrivals.receiveOnce(client, topic, group, brokerName)
      } catch {
        await this.failed()
      }
    }
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

/** Format of the SDKs: version 1 and 16 bytes. */
export function messageId(): string {
  return `01${randomUUID().replaceAll('-', '').toUpperCase()}`
}
