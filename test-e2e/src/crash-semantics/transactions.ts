// Transactions: what is committed comes once, what is rolled back never, and nothing before its producer has decided. Some
// are decided at the other proxy, some only when a producer is asked.
import { setTimeout as sleep } from 'node:timers/promises'
import { someOf } from '../checks.ts'
import { hashOf } from '../random.ts'
import type { RawClient, RawTransaction } from '../raw-client.ts'
import { nameOf } from './arrivals.ts'
import { type Kind, messageId, type Scene } from './scene.ts'

const TOPIC = 'crash-transactions'
const GROUP = 'crash-transaction-readers'
const SENDERS = 4
const PAUSE_MS = 50
/** A stream to a proxy that hangs is opened again. */
const STREAM_MS = 60_000
/** Of the messages, so many are committed, and so many are decided only when the producer is asked. */
const COMMITTED = 0.6
const WHEN_ASKED = 0.3
const SHARES = 1000
/** A broker that is asked about half messages of a run has these, so that a run need not be long. */
export const TRANSACTION_FLAGS = [
  '--transaction-time-out=1s',
  '--transaction-check-interval=2s',
  '--transaction-check-max=1000',
]

function shareOf(text: string): number {
  return (hashOf(text) % SHARES) / SHARES
}

/** Whatever asks, and however often: the answer follows from the name. */
function resolutionOf(name: string): 'COMMIT' | 'ROLLBACK' {
  return shareOf(`decision of ${name}`) < COMMITTED ? 'COMMIT' : 'ROLLBACK'
}

export function createTransactions(scene: Scene): Kind {
  const { arrivals } = scene
  /** Half messages that were acknowledged. */
  const sent: string[] = []
  /** When the first commit left this process. */
  const commitTicks = new Map<string, number>()
  const refused: string[] = []
  let questions = 0
  let ended = 0

  async function end(client: RawClient, half: RawTransaction, name: string, isAsked: boolean): Promise<boolean> {
    const resolution = resolutionOf(name)
    if (resolution === 'COMMIT' && !commitTicks.has(name)) commitTicks.set(name, arrivals.tick())
    const code = await client.endTransaction(half, resolution, isAsked)
    if (code === 'OK') ended += 1
    else if (code.startsWith('INVALID')) refused.push(`${name}: ${code}`)
    return code === 'OK'
  }

  /** Decided once: when that fails, the broker asks the producer. */
  async function sendOne(name: string, turn: number): Promise<void> {
    const id = messageId()
    const kind = { type: 'TRANSACTION' } as const
    const { transactionId } = await scene.client(turn).sendAs(kind, TOPIC, id, Buffer.from(name))
    sent.push(name)
    const half = { topic: TOPIC, messageId: id, transactionId }
    const route = shareOf(`route of ${name}`)
    const isElsewhere = route < WHEN_ASKED * 2
    if (route >= WHEN_ASKED) await end(scene.client(turn + (isElsewhere ? 1 : 0)), half, name, false)
  }

  async function answer(client: RawClient): Promise<void> {
    while (scene.isConsuming) {
      questions += await client.answerQuestions(TOPIC, STREAM_MS, (half, body) => {
        void end(client, half, body.toString('latin1'), true).catch(() => scene.failed())
      })
      await sleep(PAUSE_MS)
    }
  }

  return {
    topic: TOPIC,
    groups: [GROUP],
    async create(rmq) {
      await rmq.createTopic(TOPIC, 4, 'TRANSACTION')
    },
    async send() {
      for (const client of scene.clients) void answer(client)
      await scene.sendAll(SENDERS, PAUSE_MS, sendOne)
    },
    missing() {
      const lost = sent.filter((name) => resolutionOf(name) === 'COMMIT' && arrivals.of(GROUP, name).length === 0)
      return lost.length === 0 ? undefined : `${GROUP}: ${someOf(lost)}`
    },
    judge(checks) {
      const rolledBack: string[] = []
      const undecided: string[] = []
      for (const [name, [first]] of arrivals.ofGroup(GROUP)) {
        if (first === undefined) continue
        if (resolutionOf(name) === 'ROLLBACK') rolledBack.push(nameOf(first))
        else if (first.tick < (commitTicks.get(name) ?? Infinity)) undecided.push(nameOf(first))
      }
      checks.check('transactions: none came that was rolled back', rolledBack.length === 0, someOf(rolledBack))
      checks.check('transactions: none came before it was committed', undecided.length === 0, someOf(undecided))
      const twice = arrivals.placedTwice(GROUP)
      checks.check('transactions: each came from one place', twice.length === 0, someOf(twice))
      checks.check('transactions: no decision was refused', refused.length === 0, someOf(refused))
      checks.check('transactions: producers were asked', questions > 0)
    },
    get acknowledged() {
      return sent.length
    },
    counts: () => [['transactions', `${ended} decisions taken, ${questions} questions`]],
  }
}
