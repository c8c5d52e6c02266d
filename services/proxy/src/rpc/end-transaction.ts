// EndTransaction: a producer commits or rolls back, also over another proxy than it sent by. OK means as durable as a send.
// Java: EndTransactionActivity, which tells the broker one-way, and only for what the same proxy has seen.
import {
  Code,
  type EndTransactionRequest,
  type EndTransactionResponseInit,
  TransactionResolution,
  TransactionSource,
} from '@rocketmq-ts/grpc/v2'
import { MqError, parseTransactionId } from '@rocketmq-ts/model'
import { OK, refusal, type Refusal } from '../status.ts'
import type { TransactionEnder } from '../upstream/upstream.ts'
import { checkMessageId, checkTopic } from '../validators.ts'
import { pub } from './access.ts'
import type { UnaryRpc } from './method.ts'

function check({ topic, messageId, transactionId, resolution }: EndTransactionRequest): Refusal | undefined {
  const illegal = checkTopic(topic) ?? (messageId === '' ? undefined : checkMessageId(messageId))
  if (illegal !== undefined) return illegal
  if (transactionId.trim() === '') return refusal(Code.INVALID_TRANSACTION_ID, 'transaction_id: is blank')
  if (Object.values<number>(TransactionResolution).includes(resolution)) return undefined
  return refusal(Code.BAD_REQUEST, `resolution: ${resolution} is none; it can be COMMIT (1) or ROLLBACK (2)`)
}

/** What is wrong with the id is the client's affair, whoever found it. */
function asTransactionId(error: unknown): Refusal {
  if (error instanceof MqError && (error.code === 'handle-malformed' || error.code === 'handle-invalid')) {
    return refusal(Code.INVALID_TRANSACTION_ID, `transaction_id: ${error.message}`)
  }
  throw error
}

export function createEndTransaction({
  ender,
}: {
  readonly ender: TransactionEnder
}): UnaryRpc<EndTransactionRequest, EndTransactionResponseInit> {
  return {
    access: ({ topic }) => [pub(topic?.name)],
    async answer(request) {
      const illegal = check(request)
      if (illegal !== undefined) return { status: illegal }
      const { topic, messageId, transactionId, resolution, source } = request
      try {
        const place = parseTransactionId(transactionId)
        // Some clients say so where their checker does not know: it is asked again.
        if (resolution === TransactionResolution.TRANSACTION_RESOLUTION_UNSPECIFIED) return { status: OK }
        await ender.endTransaction({
          place,
          topic: topic?.name ?? '',
          messageId,
          decision: resolution === TransactionResolution.COMMIT ? 'commit' : 'rollback',
          isAnswer: source === TransactionSource.SOURCE_SERVER_CHECK,
        })
        return { status: OK }
      } catch (error) {
        return { status: asTransactionId(error) }
      }
    },
    refuse: (status) => ({ status }),
  }
}
