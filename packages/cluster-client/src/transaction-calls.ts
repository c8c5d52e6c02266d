// The calls of producers of transactions: to end one, and to be known as somebody who can be asked.
import {
  encodeHeartbeatData,
  EndTransaction,
  HeartBeat,
  type EndTransactionHeader,
  type HeartbeatData,
} from '@rocketmq-ts/remoting'
import { checkSuccess, type CallOptions } from './call.ts'
import type { CallBroker } from './pop-calls.ts'

export interface TransactionCalls {
  /** Resolves when the decision is as durable as a send. A transaction that is ended already is a success. */
  endTransaction(address: string, header: EndTransactionHeader, options?: CallOptions): Promise<void>
  /** Tells the broker of the groups of a client; good for two minutes. */
  heartbeat(address: string, data: HeartbeatData, options?: CallOptions): Promise<void>
}

export function createTransactionCalls(call: CallBroker): TransactionCalls {
  return {
    async endTransaction(address, header, options) {
      checkSuccess(await call(address, EndTransaction, { header }, options), EndTransaction, address)
    },
    async heartbeat(address, data, options) {
      const body = encodeHeartbeatData(data)
      checkSuccess(await call(address, HeartBeat, { header: {}, body }, options), HeartBeat, address)
    },
  }
}
