// A producer and a consumer that run while the cluster changes under them, whatever client they use. A failed send says
// nothing about its outcome and is sent again under a new name; what counts is what was acknowledged.
import { setTimeout as sleep } from 'node:timers/promises'

const SENDERS = 4
const CONSUMERS = 4
/** Between two sends of one sender: a load that goes on, not a benchmark. */
const PAUSE_MS = 10
const RETRY_MS = 100
/** Different failures that are remembered. */
const FAILURES_MAX = 100
/** As clients see it: the gRPC status, the code of an answer, and the exception that the SDK makes of it. */
const INTERNAL = /\bINTERNAL\b|\bINTERNAL_(?:SERVER_)?ERROR\b|InternalErrorException|\bcode: ?5000[01]\b/

/** How a load reaches the cluster. `turn` goes up after each failure: it may choose another way. */
export interface Traffic {
  readonly topic: string
  readonly group: string
  /** Makes the topic and the group known and opens what it needs, before the first message. */
  open(): Promise<void>
  /** Resolves when the message is acknowledged. */
  send(turn: number, body: string): Promise<void>
  /** Receives some messages, notes their bodies, then acknowledges them. */
  receive(turn: number, note: (body: string) => void): Promise<void>
  /** Where proxies are published from now on. */
  connectTo(endpoints: readonly string[]): void
  close(): Promise<void>
}

export interface Load {
  readonly topic: string
  readonly group: string
  open(): Promise<void>
  produce(): void
  /** Resolves when no send is under way any more. */
  stopProducing(): Promise<void>
  consume(): void
  /** Resolves when no receive and no acknowledgement is under way any more. */
  stopConsuming(): Promise<void>
  connectTo(endpoints: readonly string[]): void
  /** Messages that were acknowledged up to now; the set does not grow. */
  acknowledged(): Set<string>
  /** Those that were not received yet, of all that are acknowledged if none are given. */
  missing(of?: ReadonlySet<string>): string[]
  readonly counts: {
    readonly acknowledged: number
    readonly received: number
    /** Deliveries after the first of a message. */
    readonly again: number
    /** Receives that were answered, with messages or without. */
    readonly receives: number
  }
  /** Bodies that nobody sent. */
  readonly foreign: readonly string[]
  /** What calls failed with, and how often. */
  readonly failures: ReadonlyMap<string, number>
  /** Those failures that say INTERNAL. */
  internal(): string[]
  /** From now on `longestGapMs` is that of a new step. */
  startStep(): void
  /** The longest time without an acknowledged send, the one that goes on now included. */
  longestGapMs(): number
  close(): Promise<void>
}

/** A load of one topic and its group. */
export function createLoad(traffic: Traffic): Load {
  const { topic, group } = traffic
  const acknowledged = new Set<string>()
  const sent = new Set<string>()
  const received = new Set<string>()
  const foreign: string[] = []
  const failures = new Map<string, number>()
  let again = 0
  let receives = 0
  let next = 0
  let producing = false
  let consuming = false
  let senders: Promise<void>[] = []
  let consumers: Promise<void>[] = []
  let acknowledgedAtMs = 0
  let gapMs = 0

  function currentGapMs(): number {
    return producing ? performance.now() - acknowledgedAtMs : 0
  }

  async function failed(what: string, error: unknown): Promise<void> {
    const kind = `${what}: ${textOf(error)}`
    if (failures.has(kind) || failures.size < FAILURES_MAX) failures.set(kind, (failures.get(kind) ?? 0) + 1)
    await sleep(RETRY_MS)
  }

  async function sendOn(firstTurn: number): Promise<void> {
    for (let turn = firstTurn; producing; await sleep(PAUSE_MS)) {
      const body = `${topic}-${(next += 1)}`
      sent.add(body)
      try {
        await traffic.send(turn, body)
        acknowledged.add(body)
        gapMs = Math.max(gapMs, currentGapMs())
        acknowledgedAtMs = performance.now()
      } catch (error) {
        turn += 1
        await failed('send', error)
      }
    }
  }

  function note(body: string): void {
    if (!sent.has(body)) foreign.push(body)
    if (received.has(body)) again += 1
    received.add(body)
  }

  async function receiveOn(firstTurn: number): Promise<void> {
    for (let turn = firstTurn; consuming;) {
      try {
        await traffic.receive(turn, note)
        receives += 1
      } catch (error) {
        turn += 1
        await failed('receive', error)
      }
    }
  }

  return {
    topic,
    group,
    open: () => traffic.open(),
    produce() {
      producing = true
      acknowledgedAtMs = performance.now()
      senders = Array.from({ length: SENDERS }, (_, turn) => sendOn(turn))
    },
    async stopProducing() {
      producing = false
      await Promise.all(senders)
    },
    consume() {
      consuming = true
      consumers = Array.from({ length: CONSUMERS }, (_, turn) => receiveOn(turn))
    },
    async stopConsuming() {
      consuming = false
      await Promise.all(consumers)
    },
    connectTo: (endpoints) => traffic.connectTo(endpoints),
    acknowledged: () => new Set(acknowledged),
    missing: (of = acknowledged) => [...of].filter((body) => !received.has(body)),
    get counts() {
      return { acknowledged: acknowledged.size, received: received.size, again, receives }
    },
    foreign,
    failures,
    internal: () => [...failures.keys()].filter((kind) => INTERNAL.test(kind)),
    startStep() {
      gapMs = 0
      acknowledgedAtMs = performance.now()
    },
    longestGapMs: () => Math.max(gapMs, currentGapMs()),
    async close() {
      producing = false
      consuming = false
      await Promise.all([...senders, ...consumers])
      await traffic.close()
    },
  }
}

/** Name, code and the first line of the message, with numbers left out so that alike failures are one. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? ` code: ${String(error.code)}` : ''
  const [line = ''] = error.message.split('\n')
  return `${error.name}${code} ${line.replaceAll(/\d{3,}/g, '…')}`
}
