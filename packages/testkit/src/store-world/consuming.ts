// Taking messages and settling them, or hiding them for another time, with what each answer means for the model.
import { formatReceiptHandle, MqError } from '@rocketmq-ts/model'
import { BROKER_ADDRESS } from './broker-host.ts'
import { checkDelivery } from './check-deliveries.ts'
import { addOvertaken, type Overtaken, overtakenBy } from './check-order.ts'
import type { LogImage } from './log-image.ts'
import type { Entry, GroupModel, TopicModel } from './model.ts'
import { isBelow, mayHavePassed, type QueueMins } from './topic-rules.ts'
import { type OperationDeps, TIMEOUT_MS, type Tracking } from './tracking.ts'

const BROKER = { address: BROKER_ADDRESS, brokerName: 'broker-a' }
const INVISIBLE_MS = [50, 400, 3000, 20_000] as const
/** No delivery is hidden longer. */
export const INVISIBLE_MS_MAX = 20_000
const POP_SIZES = [1, 1, 4, 32] as const
/** Deliveries that wait to be settled, at most; older ones expire. */
const HELD_MAX = 64

interface Held {
  readonly group: GroupModel
  readonly entry: Entry
}

/** A message came before one that the broker had still. */
interface Suspect {
  readonly group: GroupModel
  readonly overtaken: Overtaken
  /** Of the overtaken one, by then. */
  readonly deliveries: number
}

export class Consuming {
  readonly #deps: OperationDeps
  readonly #tracking: Tracking
  readonly #held: Held[] = []
  readonly #suspects: Suspect[] = []

  constructor(deps: OperationDeps, tracking: Tracking) {
    this.#deps = deps
    this.#tracking = tracking
  }

  /** Takes and settles what there is; the number of messages it got. */
  async drain(group: GroupModel, topic: TopicModel): Promise<number> {
    let got = 0
    for (;;) {
      const found = await this.#popOnce(group, topic, { max: 32, invisibleMs: INVISIBLE_MS_MAX }).catch(
        (error: unknown) => {
          // Its queue is compared with the log first, and asked again in the next round.
          if (error instanceof MqError && error.code === 'busy') return []
          throw error
        },
      )
      if (found.length === 0) return got
      got += found.length
      await Promise.all(found.map((entry) => this.#settle(group, entry)))
    }
  }

  /** Takes messages, and keeps them to be settled later. */
  async pop(group: GroupModel, topic: TopicModel): Promise<void> {
    const { random } = this.#deps
    const what = { max: random.pick(POP_SIZES), invisibleMs: random.pick(INVISIBLE_MS) }
    const entries = await this.#popOnce(group, topic, what)
    this.#held.push(...entries.map((entry) => ({ group, entry })))
    this.#held.splice(0, Math.max(0, this.#held.length - HELD_MAX))
  }

  async #popOnce(
    group: GroupModel,
    topic: TopicModel,
    { max, invisibleMs }: { readonly max: number; readonly invisibleMs: number },
  ): Promise<Entry[]> {
    const { host, model, verdict, plan } = this.#deps
    const header = {
      consumerGroup: group.name,
      topic: topic.name,
      queueId: -1,
      maxMsgNums: max,
      invisibleTimeMs: invisibleMs,
      pollTimeMs: 0,
      bornTimeMs: host.machine.nowMs,
      initMode: 0,
      expType: group.filter.type,
      exp: group.filter.text,
      // A group that was made anew by a pop has lost its setting.
      ...(group.order !== undefined && { order: true }),
    }
    const result = await host.client.pop(BROKER, header, { timeoutMs: TIMEOUT_MS })
    if (result.kind !== 'found') return []
    const entries = result.messages.map((popped) =>
      checkDelivery(
        model,
        {
          group,
          popped,
          popTimeMs: result.popTimeMs,
          invisibleMs,
          written: host.log.written,
          flushed: plan.shape.flushDiskType === 'SYNC_FLUSH' ? host.log.flushed : undefined,
          isRefusing: host.life.isRefusing,
        },
        verdict,
      ),
    )
    const known = entries.filter((entry) => entry !== undefined)
    const list = known.map(({ message, deliveries }) => `${message.id}${deliveries > 1 ? `(${deliveries})` : ''}`)
    this.#tracking.tell(
      `${group.name} got ${list.join(' ')} of ${topic.name}, pop time ${result.popTimeMs}, for ${invisibleMs} ms`,
    )
    for (const each of overtakenBy(model, { group, got: known })) await this.#judgeOvertaken(group, each)
    return known
  }

  /** The broker says whether it has the message still; one that is about to expire it may have, and no group gets it. */
  async #judgeOvertaken(group: GroupModel, overtaken: Overtaken): Promise<void> {
    const { model, host } = this.#deps
    const { topic, queueId = 0, queueOffset = 0 } = overtaken.message
    if (mayHavePassed(host, model, overtaken.message)) return
    const { deliveries = 0 } = group.entries.get(overtaken.message) ?? {}
    const min = await host.client.minOffset(BROKER_ADDRESS, { topic, queueId }, { timeoutMs: TIMEOUT_MS })
    if (queueOffset >= min) this.#suspects.push({ group, overtaken, deliveries })
  }

  /** In the end, when all was taken: what was overtaken has expired without coming again, or there was no order. */
  judgeOrder(image: LogImage, mins: QueueMins): void {
    const { model, verdict } = this.#deps
    for (const { group, overtaken, deliveries } of this.#suspects) {
      const { message } = overtaken
      if (!model.isCurrent(message)) continue
      const now = group.entries.get(message)?.deliveries ?? 0
      const isKept = (message.position ?? 0) >= image.min && !isBelow(mins, message)
      if (now > deliveries || isKept) addOvertaken(group, overtaken, verdict)
    }
  }

  /** Settles one of those that were taken; undefined where there is none. */
  ack(): Promise<void> | undefined {
    const held = this.#takeHeld()
    return held === undefined ? undefined : this.#settle(held.group, held.entry)
  }

  async #settle(group: GroupModel, entry: Entry): Promise<void> {
    const { host } = this.#deps
    const { latest, message } = entry
    if (entry.settled === 'no') entry.settled = 'maybe'
    const place = { consumerGroup: group.name, topic: message.topic, handle: latest.handle }
    const result = await host.client.ack(BROKER_ADDRESS, place, { timeoutMs: TIMEOUT_MS })
    const isLive = entry.isHidden && host.machine.nowMs < entry.popTimeMs + entry.invisibleMs
    const isLatest = group.entries.get(message) === entry && entry.latest === latest
    if (result.kind !== 'done' || !isLive || !isLatest || host.life.isRefusing) return
    entry.settled = 'yes'
    entry.settledEnd = host.log.written
    this.#tracking.tell(`${group.name} settled message ${message.id}, end ${entry.settledEnd}`)
  }

  /** Hides one of those that were taken for another time; undefined where there is none. */
  changeInvisible(): Promise<void> | undefined {
    const { random, host } = this.#deps
    const held = this.#takeHeld()
    if (held === undefined) return undefined
    const { group, entry } = held
    const { message } = entry
    const invisibleTimeMs = random.chance(0.2) ? 0 : random.pick(INVISIBLE_MS)
    const place = { consumerGroup: group.name, topic: message.topic, handle: entry.latest.handle, invisibleTimeMs }
    const wasHidden = entry.isHidden
    entry.isHidden = false
    return host.client.changeInvisibleTime(BROKER_ADDRESS, place, { timeoutMs: TIMEOUT_MS }).then((result) => {
      if (result.kind !== 'changed' || group.entries.get(message) !== entry) return
      const isLive = wasHidden && host.machine.nowMs < entry.popTimeMs + entry.invisibleMs
      const { handle } = result
      entry.latest = { ...entry.latest, handle, handleText: formatReceiptHandle(handle) }
      if (!isLive || invisibleTimeMs === 0) return
      entry.popTimeMs = handle.popTimeMs
      entry.invisibleMs = invisibleTimeMs
      entry.popEnd = host.log.written
      entry.isHidden = !host.life.isRefusing
      this.#held.push(held)
    })
  }

  #takeHeld() {
    const { random } = this.#deps
    if (this.#held.length === 0) return undefined
    const [held] = this.#held.splice(random.integer(this.#held.length), 1)
    if (held === undefined) return undefined
    const { changing } = this.#tracking
    return changing.has(held.entry.message.topic) || changing.has(held.group.name) ? undefined : held
  }
}
