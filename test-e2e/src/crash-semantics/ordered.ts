// Messages in order: each message group has one producer, which sends the next one when the last is acknowledged. One
// group of consumers takes them in the order of their queues, one in that of the message groups alone.
import { setTimeout as sleep } from 'node:timers/promises'
import { someOf } from '../checks.ts'
import { type Arrival, nameOf } from './arrivals.ts'
import { type Kind, messageId, type Scene } from './scene.ts'

const TOPIC = 'crash-ordered'
const BY_QUEUE = 'crash-by-queue'
const BY_MESSAGE_GROUP = 'crash-by-message-group'
const MESSAGE_GROUPS = 12
const QUEUES = 4
const PAUSE_MS = 40

/** An acknowledged attempt to send. */
interface Sent {
  readonly name: string
  readonly offset: number
}

export function createOrdered(scene: Scene): Kind {
  const { arrivals } = scene
  /** By message group, in the order in which they were sent. */
  const sent = new Map<string, Sent[]>()
  let unknown = 0

  async function sendAll(messageGroup: string, turn: number): Promise<void> {
    const acknowledged: Sent[] = []
    sent.set(messageGroup, acknowledged)
    for (let number = 0; scene.isSending; number += 1) {
      for (let attempt = 0; ; attempt += 1) {
        const name = `${messageGroup}/${number}/${attempt}`
        try {
          const kind = { type: 'FIFO', messageGroup } as const
          const { offset } = await scene.client(turn + attempt).sendAs(kind, TOPIC, messageId(), Buffer.from(name))
          acknowledged.push({ name, offset })
          break
        } catch {
          unknown += 1
          await scene.failed()
        }
      }
      await sleep(PAUSE_MS)
    }
  }

  function overtaken(group: string, laneOf: (arrival: Arrival) => string): string[] {
    const lanes = new Map<string, Arrival[]>()
    for (const [first] of arrivals.ofGroup(group).values()) {
      if (first === undefined) continue
      const lane = lanes.get(laneOf(first))
      if (lane === undefined) lanes.set(laneOf(first), [first])
      else lane.push(first)
    }
    const faults: string[] = []
    for (const lane of lanes.values()) {
      lane.sort((a, b) => a.offset - b.offset)
      for (const [index, later] of lane.entries()) {
        const before = lane[index - 1]
        if (before === undefined) continue
        const isInFront = before.answer === later.answer && before.tick < later.tick
        const wasAcked = arrivals.of(group, before.name).some(({ ackTick = Infinity }) => ackTick < later.tick)
        if (!isInFront && !wasAcked) faults.push(`${nameOf(later)} before ${nameOf(before)} was acknowledged`)
      }
    }
    return faults
  }

  const queueOf = ({ brokerName, queueId }: Arrival): string => `${brokerName}:${queueId}`

  return {
    topic: TOPIC,
    groups: [BY_QUEUE, BY_MESSAGE_GROUP],
    async create(rmq) {
      await rmq.createTopic(TOPIC, QUEUES, 'FIFO')
      await rmq.createOrderedGroup(BY_QUEUE)
      await rmq.createOrderedGroup(BY_MESSAGE_GROUP, 'message-group')
    },
    async send() {
      await Promise.all(Array.from({ length: MESSAGE_GROUPS }, (_, turn) => sendAll(`group-${turn}`, turn)))
    },
    missing() {
      for (const group of [BY_QUEUE, BY_MESSAGE_GROUP]) {
        const lost = Array.from(sent.values())
          .flat()
          .filter(({ name }) => arrivals.of(group, name).length === 0)
        if (lost.length > 0) return `${group}: ${someOf(lost.map(({ name }) => name))}`
      }
      return undefined
    },
    judge(checks) {
      const byQueue = overtaken(BY_QUEUE, queueOf)
      checks.check(
        'in order by queue: none came before the one in front of it was acknowledged',
        byQueue.length === 0,
        someOf(byQueue),
      )
      const byGroup = overtaken(BY_MESSAGE_GROUP, (arrival) => `${queueOf(arrival)} ${arrival.name.split('/')[0]}`)
      checks.check('in order by message group: the same of each message group', byGroup.length === 0, someOf(byGroup))
      const moved: string[] = []
      const turned: string[] = []
      for (const [messageGroup, all] of sent) {
        const places = all.map(({ name }) => arrivals.of(BY_QUEUE, name)[0])
        const queues = new Set(places.flatMap((place) => (place === undefined ? [] : [queueOf(place)])))
        if (queues.size > 1) moved.push(`${messageGroup} in ${[...queues].join(' and ')}`)
        for (const [index, { name, offset }] of all.entries()) {
          if (index > 0 && offset <= (all[index - 1]?.offset ?? -1)) turned.push(`${name} at ${offset}`)
        }
      }
      checks.check('a message group stays in its queue while brokers are away', moved.length === 0, someOf(moved))
      checks.check('receipts of a message group name rising offsets', turned.length === 0, someOf(turned))
    },
    get acknowledged() {
      return Array.from(sent.values()).flat().length
    },
    counts: () => [['in order', `${unknown} attempts to send whose outcome is unknown`]],
  }
}
