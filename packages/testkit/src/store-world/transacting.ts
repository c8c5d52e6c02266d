// Transactions: halves, decisions by any connection, and producers that are asked about those that nobody decided.
import { createBrokerClient, type BrokerClient } from '@rocketmq-ts/cluster-client'
import { decodeRecord, MqError, PropertyName } from '@rocketmq-ts/model'
import {
  type ArrivedRequest,
  CheckTransactionState,
  type EndTransactionHeader,
  TransactionDecision,
} from '@rocketmq-ts/remoting'
import type { Prng } from '../sim/index.ts'
import { BROKER_ADDRESS } from './broker-host.ts'
import { nameOf, uniqueKeyOf } from './message-names.ts'
import { type OperationDeps, TIMEOUT_MS, type Tracking } from './tracking.ts'
import { type Half, type Wait, waitOf } from './wait.ts'
import { type HalfMessage, halvesIn } from './waiting.ts'

export const PRODUCER_GROUP = 'producers'
const PROXIES = 2
const SECOND_MS = 1000
/** Seconds until the first question, where the message says so. */
const IMMUNITIES = [1, 5, 20] as const
/** A question that was on its way when the decision was answered arrives within this time. */
const ON_THE_WAY_MS = 1000
const CLOCK_MS = 1

type Decision = Exclude<keyof typeof TransactionDecision, 'unknown'>

/** A half message as it is sent. */
export interface HalfSend {
  readonly wait: Wait
  readonly properties: readonly (readonly [name: string, value: string])[]
}

/** Draws one that is sent now. */
export function drawHalf(random: Prng, nowMs: number, defaultMs: number): HalfSend {
  const seconds = random.chance(0.3) ? random.pick(IMMUNITIES) : undefined
  const half: Half = {
    offset: undefined,
    immuneMs: seconds === undefined ? defaultMs : seconds * SECOND_MS,
    sentMs: nowMs,
    isCommitAsked: false,
    commit: undefined,
    decidedMs: undefined,
    questions: 0,
    forgotten: 0,
  }
  return {
    wait: waitOf('half', 0, half),
    properties: [
      [PropertyName.TRAN_MSG, 'true'],
      [PropertyName.PGROUP, PRODUCER_GROUP],
      ...(seconds === undefined ? [] : ([[PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS, String(seconds)]] as const)),
    ],
  }
}

export class Transactions {
  readonly #deps: OperationDeps
  readonly #tracking: Tracking
  /** Connections of the proxies to the broker that runs, and the one of the sends. */
  #clients: BrokerClient[] = []
  /** Nobody decides anything any more: what is undecided is given up. */
  isSilent = false

  constructor(deps: OperationDeps, tracking: Tracking) {
    this.#deps = deps
    this.#tracking = tracking
  }

  /** The broker runs: proxies connect, and those that `arePresent` tell of their producers. */
  connected(arePresent: boolean): void {
    const { host } = this.#deps
    this.#clients = Array.from({ length: PROXIES }, () => {
      const peer = host.broker.connectLocal((arrived) => this.#asked(arrived))
      return createBrokerClient({ peers: { opened: () => peer, peer: () => Promise.resolve(peer), close() {} } })
    })
    if (arePresent) for (const client of this.#clients) void this.#present(client)
  }

  async #present(client: BrokerClient): Promise<void> {
    const data = {
      clientID: 'producer',
      producerDataSet: [{ groupName: PRODUCER_GROUP }],
      consumerDataSet: [],
      heartbeatFingerprint: 0,
      withoutSub: false,
    }
    await client.heartbeat(BROKER_ADDRESS, data, { timeoutMs: TIMEOUT_MS }).catch((error: unknown) => {
      if (!(error instanceof MqError)) throw error
    })
  }

  /** Decides one of those that were sent, or says the same or the opposite once more. */
  next(): void {
    const { model, random } = this.#deps
    const known = halvesIn(model).filter(
      ({ wait, topic, isGone }) =>
        wait.half.offset !== undefined && !wait.isAsked && !isGone && !this.#tracking.changing.has(topic),
    )
    const open = known.filter(({ wait }) => wait.half.commit === undefined && wait.over === undefined)
    const message = open.length > 0 && random.chance(0.8) ? random.pick(open.slice(0, 20)) : undefined
    const chosen = message ?? (known.length === 0 ? undefined : random.pick(known))
    if (chosen === undefined) return
    const { offset = 0 } = chosen.wait.half
    const header = this.#headerOf(chosen, offset, chosen.wait.firstAt ?? 0)
    this.#end(chosen, random.chance(0.6) ? 'commit' : 'rollback', header)
  }

  #headerOf(message: HalfMessage, offset: number, position: number): Omit<EndTransactionHeader, 'commitOrRollback'> {
    return {
      topic: message.topic,
      producerGroup: PRODUCER_GROUP,
      tranStateTableOffset: offset,
      commitLogOffset: position,
      msgId: uniqueKeyOf(message.id),
      transactionId: uniqueKeyOf(message.id),
    }
  }

  #end(message: HalfMessage, decision: Decision, header: Omit<EndTransactionHeader, 'commitOrRollback'>): void {
    const { host, random } = this.#deps
    const client = random.chance(0.3) ? host.client : (random.pick(this.#clients) ?? host.client)
    const done = this.#decides(message, decision)
    host.purpose = decision === 'rollback' ? 'rollback' : 'messages'
    const asked = client.endTransaction(
      BROKER_ADDRESS,
      { ...header, commitOrRollback: TransactionDecision[decision] },
      { timeoutMs: TIMEOUT_MS },
    )
    this.#tracking.track(
      'end',
      asked.then(done, (error: unknown) => {
        message.wait.isAsked = false
        this.#tracking.tell(`message ${message.id}: ${decision} failed, ${String(error)}`)
        throw error
      }),
    )
  }

  /** What is known once it was asked for, and when it is answered. */
  #decides({ id, wait }: HalfMessage, decision: Decision): () => void {
    const { host } = this.#deps
    const { half } = wait
    const isOver = wait.over?.isSure === true
    wait.isAsked = true
    const written = host.log.written
    if (decision === 'commit') {
      half.isCommitAsked = true
      if (!isOver) half.commit ??= { isSure: false, end: written }
    } else if (half.commit?.isSure !== true) wait.over ??= { by: 'rollback', isSure: false, end: written }
    return () => {
      wait.isAsked = false
      const end = host.log.written
      this.#tracking.tell(`message ${id}: ${decision} answered, end ${end}`)
      const { over } = wait
      const { commit } = half
      if (decision === 'commit' && commit?.isSure === false && over === undefined) half.commit = { isSure: true, end }
      else if (decision === 'rollback' && over?.by === 'rollback' && !over.isSure && commit === undefined)
        wait.over = { by: 'rollback', isSure: true, end }
      else return
      half.decidedMs = host.machine.nowMs
    }
  }

  /** The broker asks a producer. */
  #asked(arrived: ArrivedRequest): void {
    const { model, verdict, random } = this.#deps
    const { header, body } = arrived.as(CheckTransactionState)
    const record = decodeRecord(body)
    const message = model.ofBody(record.body)
    const { half } = message?.wait ?? {}
    if (message === undefined || half === undefined) {
      verdict.add('question', `of ${record.topic} at ${header.commitLogOffset}: nobody sent this as a half message`)
      return
    }
    const known = message as HalfMessage
    half.questions += 1
    this.#tracking.tell(`question ${half.questions} about message ${message.id}`)
    this.#judge(known)
    if (!message.body.equals(record.body) || record.topic !== message.topic)
      verdict.add('question', `${nameOf(message)} is asked about with another content, in ${record.topic}`)
    if (this.isSilent || known.wait.isAsked || random.chance(0.5)) return
    if (known.wait.over !== undefined || half.commit !== undefined) return
    const end = this.#headerOf(known, header.tranStateTableOffset, header.commitLogOffset)
    this.#end(known, random.chance(0.5) ? 'commit' : 'rollback', { ...end, fromTransactionCheck: true })
  }

  #judge(message: HalfMessage): void {
    const { model, host, verdict } = this.#deps
    const { wait } = message
    const { half, over, isFuzzy } = wait
    if (isFuzzy) return
    const { immunityMs, checks } = model.checkBack
    const nowMs = host.machine.nowMs
    const earliestMs = Math.floor(half.sentMs) - CLOCK_MS + Math.min(half.immuneMs, immunityMs)
    const name = `${nameOf(message)}, question ${half.questions}`
    if (nowMs < earliestMs) verdict.add('question', `${name}: it is immune until ${earliestMs}, and it is ${nowMs}`)
    if (half.questions > checks * (1 + half.forgotten)) verdict.add('question', `${name}: ${checks} are the most`)
    const isDecided = half.commit?.isSure === true || (over?.isSure === true && over.by !== 'deletion')
    if (isDecided && nowMs > (half.decidedMs ?? nowMs) + ON_THE_WAY_MS)
      verdict.add('question', `${name}: it was decided at ${half.decidedMs}`)
  }
}
