// The requests of transactions in Java's text form.
import { expect, test } from '@jest/globals'
import { CheckTransactionState, EndTransaction, TransactionDecision } from '../../src/index.ts'

test('END_TRANSACTION: as Java writes it → read, and written the same', () => {
  const fields = new Map([
    ['topic', 'T'],
    ['producerGroup', 'P'],
    ['tranStateTableOffset', '12'],
    ['commitLogOffset', '3456'],
    ['commitOrRollback', '8'],
    ['fromTransactionCheck', 'true'],
    ['msgId', 'id'],
    ['transactionId', 'id'],
    ['bname', 'broker-a'],
  ])
  const header = EndTransaction.header.decode(fields)
  expect(header).toMatchObject({ commitOrRollback: TransactionDecision.commit, brokerName: 'broker-a' })
  expect(new Map(EndTransaction.header.encode(header))).toEqual(fields)
})

test('CHECK_TRANSACTION_STATE: only the two places are needed', () => {
  const fields = new Map([
    ['tranStateTableOffset', '12'],
    ['commitLogOffset', '3456'],
  ])
  expect(CheckTransactionState.header.decode(fields)).toMatchObject({ tranStateTableOffset: 12, commitLogOffset: 3456 })
})
