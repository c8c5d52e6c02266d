// Whether a broker is ready, part by part. Ready means: messages are taken, and clients can learn of it.
import { type Readiness, type ReadinessPart, readinessOf } from '@rocketmq-ts/runtime'
import type { MessageStore } from '@rocketmq-ts/store'

export interface BrokerState {
  readonly store: Pick<MessageStore, 'failure' | 'diskFull' | 'diskOverMark'>
  readonly isStopping: boolean
  /** A nameserver knows the broker. */
  readonly isKnown: boolean
}

/** The first part that is not ready gives the reason. A full disk is one that passes: deliveries go on. */
export function brokerReadiness({ store, isStopping, isKnown }: BrokerState): Readiness {
  const parts: ReadinessPart[] = [
    isStopping ? { name: 'lifecycle', ready: false, reason: 'the broker stops' } : { name: 'lifecycle', ready: true },
    store.failure === undefined
      ? { name: 'store', ready: true }
      : { name: 'store', ready: false, reason: `the log refuses appends: ${store.failure.message}` },
    store.diskFull || store.diskOverMark
      ? { name: 'disk', ready: true, reason: 'the disk is full: sends are refused until space is free' }
      : { name: 'disk', ready: true },
    isKnown
      ? { name: 'registration', ready: true }
      : { name: 'registration', ready: false, reason: 'no nameserver knows this broker yet' },
  ]
  return readinessOf(parts)
}
