// RecoverOrphanedTransactionCommand: asks any client that produces for the topic what became of a transaction. It answers by
// EndTransaction, over whatever connection. Java: GrpcChannelManager, GrpcClientChannel.
import { formatTransactionId } from '@rocketmq-ts/model'
import type { Producers } from '../sessions/producers.ts'
import type { OrphanedTransaction } from '../upstream/orphaned.ts'
import { undeliveredMessage } from './delivered-message.ts'

/** 'unanswerable': no client of the topic has a stream; the broker asks again. */
export type OrphanResult = 'asked' | 'unanswerable'

export interface Orphans {
  ask(orphan: OrphanedTransaction): void
}

/** Creates it, over the telemetry streams of producers. */
export function createOrphans(deps: {
  readonly producers: Pick<Producers, 'pick'>
  readonly onAsked: (result: OrphanResult) => void
}): Orphans {
  return {
    ask({ place, topic, message }) {
      const client = deps.producers.pick(topic)
      client?.push?.({
        recoverOrphanedTransactionCommand: {
          message: undeliveredMessage(message, topic),
          transactionId: formatTransactionId(place),
        },
      })
      deps.onAsked(client === undefined ? 'unanswerable' : 'asked')
    },
  }
}
