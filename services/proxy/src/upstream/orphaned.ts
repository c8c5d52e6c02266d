// CHECK_TRANSACTION_STATE: a broker asks what became of a transaction: one of the producers here shall tell.
import { decodeProperties, decodeRecord, type TransactionPlace } from '@rocketmq-ts/model'
import {
  CheckTransactionState,
  CLUSTER_RESOURCE,
  ResponseCode,
  tableEntry,
  type TableEntry,
} from '@rocketmq-ts/remoting'
import { commitLogOffset, queueOffset } from '@rocketmq-ts/model'
import { storedMessageOf } from './stored-message.ts'
import type { StoredMessage } from './upstream.ts'

/** A transaction that nobody has ended, and its message as it was sent. */
export interface OrphanedTransaction {
  readonly place: TransactionPlace
  readonly topic: string
  readonly message: StoredMessage
}

export type OnOrphaned = (orphan: OrphanedTransaction) => void

/** Takes the question. One that does not say where it comes from can not be answered. */
export function orphanEntry(onOrphaned: OnOrphaned): TableEntry {
  return tableEntry({
    request: CheckTransactionState,
    resource: () => CLUSTER_RESOURCE,
    action: 'get',
    handle(request) {
      const { brokerName, tranStateTableOffset, commitLogOffset: at } = request.header
      const record = decodeRecord(request.body)
      const properties = decodeProperties(Buffer.from(record.properties).toString())
      request.respond({ code: ResponseCode.SUCCESS })
      if (brokerName === undefined || tranStateTableOffset < 0 || at < 0) return
      onOrphaned({
        place: {
          brokerName,
          queueOffset: queueOffset(tranStateTableOffset),
          commitLogOffset: commitLogOffset(at),
        },
        topic: record.topic,
        message: storedMessageOf(record, properties, 0),
      })
    },
  })
}
