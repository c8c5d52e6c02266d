// Messages for later: none comes early, each comes once, and one whose recall was answered never does.
import { setTimeout as sleep } from 'node:timers/promises'
import { someOf } from '../checks.ts'
import { nameOf } from './arrivals.ts'
import { type Kind, messageId, type Scene } from './scene.ts'

const TOPIC = 'crash-delayed'
const GROUP = 'crash-delayed-readers'
const SENDERS = 6
const PAUSE_MS = 40
const DELAY_MS_MAX = 15_000
/** Of the messages, this share is recalled at any time until shortly after they are due. */
const RECALLED = 0.2
const RECALL_LATE_MS = 500

interface Sent {
  readonly name: string
  readonly deliveryMs: number
  /** Of the receipt, and so of a recall. One that did not answer may have a copy of its own. */
  readonly brokerName: string
  /** unknown: it was recalled, and the answer does not say what became of it. */
  state: 'kept' | 'recalled' | 'unknown'
}

/** The words of a recall handle. Java: RecallMessageHandle. */
function brokerOf(recallHandle: string): string {
  return Buffer.from(recallHandle, 'base64url').toString('latin1').split(' ')[2] ?? ''
}

export function createDelayed(scene: Scene): Kind {
  const { arrivals } = scene
  const random = scene.random.derive('delayed')
  const sent: Sent[] = []
  /** Also of those that were not acknowledged. */
  const due = new Map<string, number>()
  const recalls: Promise<void>[] = []
  const lateMs: number[] = []
  let refusedRecalls = 0

  async function recall(turn: number, handle: string, message: Sent): Promise<void> {
    await sleep(random.integer(Math.max(1, message.deliveryMs - Date.now() + RECALL_LATE_MS)))
    try {
      const code = await scene.client(turn).recall(TOPIC, handle)
      if (code === 'OK') message.state = 'recalled'
      else if (code === 'MESSAGE_NOT_FOUND') refusedRecalls += 1
      else message.state = 'unknown'
    } catch {
      message.state = 'unknown'
      await scene.failed()
    }
  }

  async function sendOne(name: string, turn: number): Promise<void> {
    const deliveryMs = Date.now() + random.integer(DELAY_MS_MAX)
    const isRecalled = random.chance(RECALLED)
    due.set(name, deliveryMs)
    const kind = { type: 'DELAY', deliveryMs } as const
    const { recallHandle } = await scene.client(turn).sendAs(kind, TOPIC, messageId(), Buffer.from(name))
    const message: Sent = { name, deliveryMs, brokerName: brokerOf(recallHandle), state: 'kept' }
    sent.push(message)
    if (isRecalled) recalls.push(recall(turn + 1, recallHandle, message))
  }

  return {
    topic: TOPIC,
    groups: [GROUP],
    async create(rmq) {
      await rmq.createTopic(TOPIC, 4, 'DELAY')
    },
    async send() {
      await scene.sendAll(SENDERS, PAUSE_MS, sendOne)
      await Promise.all(recalls)
    },
    missing() {
      const lost = sent.filter(({ name, state }) => state === 'kept' && arrivals.of(GROUP, name).length === 0)
      return lost.length === 0 ? undefined : `${GROUP}: ${someOf(lost.map(({ name }) => name))}`
    },
    judge(checks) {
      const early: string[] = []
      for (const [name, [first]] of arrivals.ofGroup(GROUP)) {
        if (first === undefined) continue
        const late = first.arrivedMs - (due.get(name) ?? Infinity)
        if (late < 0) early.push(`${nameOf(first)}, ${-late} ms`)
        lateMs.push(late)
      }
      checks.check('for later: none came early', early.length === 0, someOf(early))
      const came = sent.filter(
        ({ name, brokerName, state }) =>
          state === 'recalled' && arrivals.of(GROUP, name).some((arrival) => arrival.brokerName === brokerName),
      )
      checks.check(
        'for later: none came whose recall was answered',
        came.length === 0,
        someOf(came.map(({ name }) => name)),
      )
      const twice = arrivals.placedTwice(GROUP)
      checks.check('for later: each came from one place of a broker', twice.length === 0, someOf(twice))
      const recalled = sent.filter(({ state }) => state === 'recalled').length
      checks.check('for later: some were recalled', recalled > 0)
    },
    get acknowledged() {
      return sent.length
    },
    counts() {
      const sorted = lateMs.toSorted((a, b) => a - b)
      const at = (share: number): string => `${Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)} ms`
      const recalled = sent.filter(({ state }) => state === 'recalled').length
      return [
        ['for later', `${recalled} recalled, ${refusedRecalls} recalls came too late`],
        ['late by', `${at(0.5)} half of them, ${at(0.99)} one in a hundred, through all outages`],
      ]
    },
  }
}
