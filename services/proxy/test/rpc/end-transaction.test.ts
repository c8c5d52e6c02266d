import { expect, test } from '@jest/globals'
import {
  Code,
  type EndTransactionRequestInit,
  MessagingService,
  TransactionResolution,
  TransactionSource,
} from '@rocketmq-ts/grpc/v2'
import { commitLogOffset, formatTransactionId, MqError, type MqErrorCode, queueOffset } from '@rocketmq-ts/model'
import { createHarness, TOPIC } from '../harness.ts'

const { EndTransaction } = MessagingService
const place = { brokerName: 'broker-a', queueOffset: queueOffset(7), commitLogOffset: commitLogOffset(2 ** 40) }

function request(changes: EndTransactionRequestInit = {}): EndTransactionRequestInit {
  return {
    topic: TOPIC,
    messageId: 'MSG-1',
    transactionId: formatTransactionId(place),
    resolution: TransactionResolution.COMMIT,
    source: TransactionSource.SOURCE_CLIENT,
    ...changes,
  }
}

test.each([
  ['COMMIT', 'commit', TransactionSource.SOURCE_CLIENT, false],
  ['ROLLBACK', 'rollback', TransactionSource.SOURCE_SERVER_CHECK, true],
  ['COMMIT', 'commit', TransactionSource.SOURCE_UNSPECIFIED, false],
] as const)('end: %s → %s at the broker that has the half message', async (resolution, decision, source, isAnswer) => {
  const { call, upstream } = await createHarness()
  const { status } = await call(EndTransaction, request({ resolution: TransactionResolution[resolution], source }))
  expect(status?.code).toBe(Code.OK)
  expect(upstream.ended).toEqual([{ place, topic: TOPIC.name, messageId: 'MSG-1', decision, isAnswer }])
})

test('end: another client than the one that sent → the same', async () => {
  const { call, upstream } = await createHarness()
  expect((await call(EndTransaction, request(), { clientId: 'another' })).status?.code).toBe(Code.OK)
  expect(upstream.ended).toHaveLength(1)
})

test('end: unknown → OK, and no broker is asked', async () => {
  const { call, upstream } = await createHarness()
  const { status } = await call(EndTransaction, request({ resolution: 0 }))
  expect(status?.code).toBe(Code.OK)
  expect(upstream.ended).toEqual([])
})

const rows: readonly (readonly [name: string, changes: EndTransactionRequestInit, code: Code, names: string])[] = [
  ['no transaction id', { transactionId: '' }, Code.INVALID_TRANSACTION_ID, 'transaction_id'],
  ['a blank one', { transactionId: ' ' }, Code.INVALID_TRANSACTION_ID, 'transaction_id'],
  ['one of another proxy', { transactionId: '7F0000010001' }, Code.INVALID_TRANSACTION_ID, 'transaction_id'],
  ['one of a later version', { transactionId: '2.1.1.a' }, Code.INVALID_TRANSACTION_ID, 'transaction_id'],
  ['one without a broker', { transactionId: '1.1.1.' }, Code.INVALID_TRANSACTION_ID, 'transaction_id'],
  ['one with numbers too large', { transactionId: `1.${'z'.repeat(11)}.1.a` }, Code.INVALID_TRANSACTION_ID, 'id'],
  ['one with signs', { transactionId: '1.-1.1.a' }, Code.INVALID_TRANSACTION_ID, 'transaction_id'],
  ['a long one', { transactionId: 'x'.repeat(100_000) }, Code.INVALID_TRANSACTION_ID, 'transaction_id'],
  ['a long broker', { transactionId: `1.1.1.${'x'.repeat(256)}` }, Code.INVALID_TRANSACTION_ID, 'transaction_id'],
  ['a resolution that there is not', { resolution: 3 as 2 }, Code.BAD_REQUEST, 'resolution'],
  ['no topic', { topic: null }, Code.ILLEGAL_TOPIC, 'topic'],
  ['a topic of the system', { topic: { name: 'RMQ_SYS_TRANS_HALF_TOPIC' } }, Code.ILLEGAL_TOPIC, 'RMQ_SYS'],
  ['no message id', { messageId: '' }, Code.OK, 'OK'],
  ['a message id of 256 characters', { messageId: 'i'.repeat(256) }, Code.ILLEGAL_MESSAGE_ID, 'message_id'],
]

test.each(rows)('end: %s → its code, and the field named', async (_name, changes, code, names) => {
  const { call, upstream } = await createHarness()
  const { status } = await call(EndTransaction, request(changes))
  expect(status).toMatchObject({ code, message: expect.stringContaining(names) })
  expect(upstream.ended).toHaveLength(code === Code.OK ? 1 : 0)
})

const failures: readonly (readonly [MqErrorCode, Code])[] = [
  ['handle-invalid', Code.INVALID_TRANSACTION_ID],
  ['topic-not-found', Code.TOPIC_NOT_FOUND],
  ['unavailable', Code.PROXY_TIMEOUT],
  ['timeout', Code.PROXY_TIMEOUT],
  ['busy', Code.TOO_MANY_REQUESTS],
  ['disk-full', Code.INTERNAL_SERVER_ERROR],
]

test.each(failures)('end: the broker fails with %s → code %i', async (failure, code) => {
  const { call, upstream } = await createHarness()
  upstream.endFault = () => new MqError(failure, 'it says so')
  const { status } = await call(EndTransaction, request())
  expect(status).toMatchObject({ code, message: expect.stringContaining('it says so') })
})

test('end: the id of a transaction → any broker name and any place come back', () => {
  for (const brokerName of ['a', 'broker.with.dots', 'broker-0']) {
    const text = formatTransactionId({ ...place, brokerName })
    expect(text.split('.').slice(3).join('.')).toBe(brokerName)
  }
})
