// rmq client stack: the threads of a client, as it tells them itself.
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { printableLines } from '../output/text.ts'
import { type ClusterOption, doneOf, findClient, relayOf } from './clients.ts'

export async function clientStack(context: Context, options: ClusterOption, clientId: string): Promise<number> {
  const { printer } = context
  const client = await findClient(context, options, clientId)
  const { brokers, at } = await context.session()
  const stack = doneOf(await at(relayOf(client), (address) => brokers.clientStack(address, client)))
  if (printer.isJson) printer.document({ clientId, stack })
  else printer.line(printableLines(stack.trimEnd()))
  return ExitCode.OK
}
