// rmq timer recall: a delayed message is not delivered. The handle names topic and broker.
import { type RecallHandle, MqError, parseRecallHandle } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'

function read(handle: string): RecallHandle {
  try {
    return parseRecallHandle(handle)
  } catch (error) {
    throw error instanceof MqError ? new CliFailure('usage', error.message) : error
  }
}

export async function timerRecall(context: Context, _options: object, recallHandle: string): Promise<number> {
  const { topic, brokerName, dueMs, uniqueKey } = read(recallHandle)
  const { printer } = context
  const session = await context.session()
  const [broker] = await session.masters({ broker: brokerName })
  if (broker === undefined) throw new CliFailure('unavailable', `broker ${brokerName} has no master right now`)
  const result = await session.at(broker, (address) => session.brokers.recall(address, { topic, recallHandle }))
  if (result.kind === 'none') {
    throw new CliFailure('parameter-invalid', result.reason, 'Messages that are in their topic can not be recalled.')
  }
  if (printer.isJson) printer.document({ topic, brokerName, messageId: uniqueKey, dueMs })
  else printer.line(`Message ${uniqueKey} of ${topic}, due ${new Date(dueMs).toISOString()}, is not delivered.`)
  return ExitCode.OK
}
