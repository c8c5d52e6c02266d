// rmq client reconnect: clients are told to connect anew. They do not say what they do then.
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { countText } from '../output/text.ts'
import { type ClusterOption, doneOf, findClient, findClients, type FoundClient, relayOf } from './clients.ts'

export interface ClientReconnectOptions extends ClusterOption {
  readonly proxy?: string
  readonly group?: string
  readonly all?: boolean
}

/** Commands under way; a broker passes on no more at a time. */
const AT_ONCE = 8

export async function clientReconnect(
  context: Context,
  options: ClientReconnectOptions,
  clientId?: string,
): Promise<number> {
  const { printer } = context
  const { clients, failed } = await chosen(context, options, clientId)
  const told: string[] = []
  const missed: { readonly clientId: string; readonly reason: string }[] = []
  for (let from = 0; from < clients.length; from += AT_ONCE) {
    await Promise.all(
      clients.slice(from, from + AT_ONCE).map(async (client) => {
        try {
          await reconnect(context, client)
          told.push(client.clientId)
        } catch (error) {
          if (!(error instanceof CliFailure)) throw error
          missed.push({ clientId: client.clientId, reason: error.message })
        }
      }),
    )
  }
  for (const { reason } of missed) printer.warning(reason)
  if (printer.isJson) printer.document({ told: told.sort(), missed })
  else printer.line(`${countText(told.length, 'client')} told to connect anew.`)
  return failed || missed.length > 0 ? ExitCode.FAILED : ExitCode.OK
}

async function chosen(context: Context, options: ClientReconnectOptions, clientId: string | undefined) {
  const { proxy, group, all } = options
  const ways = [clientId, proxy, group, all].filter((way) => way !== undefined)
  if (ways.length !== 1) throw new CliFailure('usage', 'name one of: a client, --proxy, --group, --all')
  if (clientId !== undefined) return { clients: [await findClient(context, options, clientId)], failed: false }
  const { clients, failed } = await findClients(context, options, { group })
  return { clients: clients.filter(({ proxies }) => proxy === undefined || proxies.includes(proxy)), failed }
}

async function reconnect(context: Context, client: FoundClient): Promise<void> {
  const { brokers, at } = await context.session()
  doneOf(await at(relayOf(client), (address) => brokers.reconnectClient(address, client.clientId)))
}
