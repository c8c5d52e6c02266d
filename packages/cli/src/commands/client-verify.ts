// rmq client verify: a push consumer consumes a stored message on the spot.
import { offsetMessageId } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { type ClusterOption, doneOf, findClient } from './clients.ts'
import { findById } from './message-by-id.ts'

export interface ClientVerifyOptions extends ClusterOption {
  readonly topic?: string
}

export async function clientVerify(
  context: Context,
  options: ClientVerifyOptions,
  clientId: string,
  messageId: string,
): Promise<number> {
  const { printer } = context
  const client = await findClient(context, options, clientId)
  const { copies } = await findById(context, options, messageId)
  const copy = copies.find(({ kind }) => kind === 'message') ?? copies[0]
  if (copy === undefined) return ExitCode.FAILED // findById finds one, or throws
  const { storeHost, commitLogOffset } = copy.record
  const place = offsetMessageId(storeHost.host, storeHost.port, commitLogOffset)
  const { brokers, at } = await context.session()
  const answer = await at(copy.broker, (address) => brokers.verifyMessage(address, client, place))
  const { consumeResult, remark, spentTimeMs } = doneOf(answer)
  const isConsumed = consumeResult === 'CR_SUCCESS'
  if (printer.isJson) printer.document({ clientId, messageId, consumed: isConsumed, result: remark, spentTimeMs })
  else if (isConsumed) printer.line(`Client ${clientId} consumed message ${messageId} in ${spentTimeMs} ms.`)
  else printer.line(`Client ${clientId} failed at message ${messageId} after ${spentTimeMs} ms: ${remark}.`)
  return isConsumed ? ExitCode.OK : ExitCode.FAILED
}
