// The handlers of requests that take messages for a group and settle them, and what becomes of messages that a pop claimed
// and can not give.
import { createFilterCache } from '@rocketmq-ts/filter'
import type { Logger } from '@rocketmq-ts/runtime'
import type { MessageStore } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import { createPeerWaits } from '../peer-waits.ts'
import { type AckDeps, createAckMessage, createBatchAckMessage } from './ack-message.ts'
import { type ChangeInvisibleTimeDeps, createChangeInvisibleTime } from './change-invisible-time.ts'
import { createConsumerSendMsgBack } from './consumer-send-msg-back.ts'
import type { DeadLetters } from './dead-letter.ts'
import type { MovedDeliveries } from './moved-deliveries.ts'
import { createNotification } from './notification.ts'
import { createPopMessage, type PopDeps } from './pop-message.ts'
import { createUnorderedWarning } from './unordered-warning.ts'

type Made = 'reader' | 'waits' | 'filters' | 'onUnreadable' | 'onExhausted' | 'onFiltered' | 'onUnordered'

export interface PopHandlerDeps extends Omit<PopDeps & AckDeps & ChangeInvisibleTimeDeps, Made> {
  readonly store: MessageStore
  readonly moved: MovedDeliveries
  readonly deadLetters: Pick<DeadLetters, 'unreadable' | 'exhausted' | 'forward'>
  readonly logger: Logger<BrokerEvent>
}

/** As the table of requests names them. */
export function createPopHandlers(deps: PopHandlerDeps) {
  const { store, inflight, turns, deadLetters } = deps
  const popping = { ...deps, reader: store, waits: createPeerWaits() }
  return {
    pop: createPopMessage({
      ...popping,
      filters: createFilterCache(),
      onUnreadable: ({ queue, queueOffset }, popTime, error) =>
        deadLetters.unreadable(queue, queueOffset, popTime, error),
      onExhausted: ({ queue, queueOffset, attempt }, popTime) =>
        deadLetters.exhausted(queue, queueOffset, popTime, attempt),
      onFiltered: ({ queue, queueOffset }, popTime) =>
        void turns.enter(() => inflight.settle(queue, queueOffset, popTime, 'filtered')),
      onUnordered: createUnorderedWarning(deps),
    }),
    ack: createAckMessage(popping),
    batchAck: createBatchAckMessage(popping),
    changeInvisibleTime: createChangeInvisibleTime(popping),
    consumerSendMsgBack: createConsumerSendMsgBack(popping),
    notification: createNotification(popping),
  }
}
