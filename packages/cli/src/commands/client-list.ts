// rmq client list: the clients of all proxies, each once.
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { timeText } from '../output/text.ts'
import { clientDocument, type ClusterOption, findClients, type FoundClient } from './clients.ts'

export interface ClientListOptions extends ClusterOption {
  readonly group?: string
  readonly topic?: string
}

export async function clientList(context: Context, options: ClientListOptions): Promise<number> {
  const { printer } = context
  const { group, topic } = options
  const { clients, failed } = await findClients(context, options, { group, topic })
  if (printer.isJson) printer.document({ clients: clients.map(clientDocument) })
  else if (clients.length === 0) printer.line('No clients.')
  else printer.table(COLUMNS, clients.map(rowOf))
  return failed ? ExitCode.FAILED : ExitCode.OK
}

const COLUMNS = [
  { title: 'CLIENT' },
  { title: 'KIND' },
  { title: 'GROUP' },
  { title: 'SDK' },
  { title: 'ADDRESS' },
  { title: 'PROXY' },
  { title: 'SUBSCRIPTIONS' },
  { title: 'SINCE' },
] as const

function rowOf(client: FoundClient) {
  const { clientId, kind, group, language, version, address, proxies, sinceMs } = client
  const sdk = `${language} ${version}`.trim()
  return [
    clientId,
    kindText(kind),
    group === '' ? '-' : group,
    sdk === '' ? '-' : sdk,
    address,
    proxies.join(','),
    usedText(client),
    timeText(sinceMs),
  ]
}

/** `push consumer` */
export function kindText(kind: FoundClient['kind']): string {
  return kind.toLowerCase().replaceAll('_', ' ')
}

function usedText({ topics, subscriptions }: FoundClient): string {
  const used = [...topics, ...subscriptions.map(({ topic, expression }) => `${topic}(${expression})`)]
  return used.length === 0 ? '-' : used.join(', ')
}
