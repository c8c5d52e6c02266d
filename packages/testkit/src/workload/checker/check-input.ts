// What the checker judges: facts that clients noted, what happened to the brokers, and what lies in their folders.
import type { QueueLedger } from '@rocketmq-ts/broker'
import type { Life } from '../../cluster/service-node.ts'
import type { UnansweredPop } from '../../cluster/sim-cluster.ts'
import type { BrokerAudit } from '../../cluster/store-audit.ts'
import type { History } from '../history.ts'
import type { GroupPlan, TopicPlan } from '../seed-plan.ts'

export interface CheckInput {
  readonly topics: readonly TopicPlan[]
  readonly groups: readonly GroupPlan[]
  /** Sends are acknowledged before they are flushed: a power loss may take the last ones back. */
  readonly isAsync: boolean
  /** Longest that one sync took. */
  readonly syncMsMax: number
  readonly history: History
  readonly brokers: readonly { readonly name: string; readonly lives: readonly Life[] }[]
  /** Once everything was drained. */
  readonly ledgers: readonly { readonly brokerName: string; readonly rows: readonly QueueLedger[] }[]
  readonly audits: readonly BrokerAudit[]
  /** What services said of themselves. */
  readonly defects: readonly { readonly node: string; readonly message: string }[]
  /** Pops of proxies that no broker answered. */
  readonly unanswered: readonly UnansweredPop[]
  /** Why the run did not come to its end; then only what needs no end is judged. */
  readonly broken: string | undefined
}

export const RULES = [
  /** The run came to its end: everything drained, every service stopped. */
  'progress',
  /** No service broke a promise it makes to itself. */
  'defect',
  /** Every record of the folders can be read. */
  'readable',
  /** A message of which a send said OK is stored where the answer said. */
  'acknowledged',
  /** What is stored or delivered was sent, unchanged, and no more often than it was sent. */
  'never-sent',
  /** One offset of a queue is one message for ever; offsets have no gap. */
  'offsets',
  /** Every stored message ends acknowledged, dead or filtered, for each group. */
  'settled',
  /** A group with a tag gets no other tags. */
  'filter',
  /** Nothing is delivered after an acknowledgement that was in time. */
  'after-ack',
  /** Nothing is delivered again before its invisible time is over. */
  'invisible',
  /** Attempts count up by one for each delivery, up to the group's limit. */
  'attempts',
  /** Dead letters have used up their attempts, are copied once, whole, and never delivered again. */
  'dead',
  /** The brokers' own books balance and say what the folders and the clients say. */
  'ledger',
  /** Pop times of one life of a broker follow one clock. */
  'clock',
] as const
export type Rule = (typeof RULES)[number]

export interface Violation {
  readonly rule: Rule
  readonly detail: string
}

/** Collects violations; a rule that fails everywhere does not drown the others. */
export class Verdict {
  readonly violations: Violation[] = []
  readonly #counts = new Map<Rule, number>()

  add(rule: Rule, detail: string): void {
    const count = (this.#counts.get(rule) ?? 0) + 1
    this.#counts.set(rule, count)
    if (count <= DETAILS_MAX) this.violations.push({ rule, detail })
  }
}

const DETAILS_MAX = 5
