// Transactions of a broker, composed: half messages and their decisions, and the questions to producers.
import { SystemGroup, SystemTopic } from '@rocketmq-ts/model'
import type { Dispatched } from '@rocketmq-ts/store'
import type { Scheduler } from '@rocketmq-ts/runtime'
import type { BrokerSettings } from '../config.ts'
import { type GroupTable, attemptsMax } from '../groups/group-table.ts'
import { createDecidedOffsets } from './decided-offsets.ts'
import { type CheckBack, type CheckBackDeps, createCheckBack } from './check-back.ts'
import { type TransactionDeps, type Transactions, createTransactions } from './transactions.ts'

export interface BrokerTransactions
  extends Pick<Transactions, 'park' | 'endTransaction' | 'settleGone' | 'recover' | 'undecided'>, CheckBack {
  /** A record became visible: a half message waits for its decision from now on. */
  visible(record: Pick<Dispatched, 'topic'>): void
  /** Everything is restored: those that a process before released are asked about. */
  start(): void
  /** What is noted for Apache's broker is written in the next Turn. */
  stop(): void
}

export interface BrokerTransactionsDeps
  extends
    Omit<TransactionDeps, 'settings' | 'decided'>,
    Omit<CheckBackDeps, 'store' | 'immunityMs' | 'intervalMs' | 'checksMax' | 'brokerName'> {
  readonly scheduler: Scheduler
  readonly settings: BrokerSettings
}

/** Deliveries of a message in all, by group. Those of half messages are the first one, and a question each. */
export function attemptsBy(
  groups: Pick<GroupTable, 'get'>,
  { transactionCheckMax }: Pick<BrokerSettings, 'transactionCheckMax'>,
): (group: string) => number {
  return (group) => (group === SystemGroup.TRANSACTION ? transactionCheckMax + 1 : attemptsMax(groups.get(group)))
}

/** Creates them; nothing runs before `recover`. */
export function createBrokerTransactions(deps: BrokerTransactionsDeps): BrokerTransactions {
  const { inflight, turns, settings } = deps
  const decided = createDecidedOffsets({
    ...deps,
    lowMark() {
      const queue = transactions.queue()
      return queue === undefined ? 0 : inflight.lowMark(queue)
    },
  })
  const transactions = createTransactions({
    ...deps,
    decided,
    settings: { immunityMs: settings.transactionTimeOut, isRefused: settings.rejectTransactionMessage },
  })
  const checkBack = createCheckBack({
    ...deps,
    brokerName: settings.brokerName,
    immunityMs: settings.transactionTimeOut,
    intervalMs: settings.transactionCheckInterval,
    checksMax: settings.transactionCheckMax,
  })
  /** A claim is on its way, and takes all that is visible by then. */
  let isClaiming = false

  /** Also those that are ready with no expiry of theirs: passed by a copy, or released by a process that ended then. */
  function claim(): void {
    isClaiming = false
    transactions.claim()
    const queue = transactions.queue()
    if (queue !== undefined) checkBack.due(queue)
  }

  return {
    ...checkBack,
    park: transactions.park,
    endTransaction: transactions.endTransaction,
    settleGone: transactions.settleGone,
    recover: transactions.recover,
    start: () => void turns.enter(claim),
    get undecided() {
      return transactions.undecided
    },
    visible({ topic }) {
      if (topic === SystemTopic.HALF && !isClaiming) isClaiming = turns.enter(claim)
    },
    stop: () => decided.stop(),
  }
}
