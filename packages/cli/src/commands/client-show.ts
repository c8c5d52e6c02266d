// rmq client show: all that is known of one client.
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { timeText } from '../output/text.ts'
import { kindText } from './client-list.ts'
import { clientDocument, type ClusterOption, findClient } from './clients.ts'

export async function clientShow(context: Context, options: ClusterOption, clientId: string): Promise<number> {
  const { printer } = context
  const client = await findClient(context, options, clientId)
  if (printer.isJson) {
    printer.document(clientDocument(client))
    return ExitCode.OK
  }
  const { kind, group, language, version, address, proxies, sinceMs, isReachable, topics, subscriptions } = client
  printer.fields([
    ['Client', clientId],
    ['Kind', kindText(kind)],
    ['Group', group === '' ? '-' : group],
    ['SDK', `${language} ${version}`.trim()],
    ['Address', address],
    ['Proxy', proxies.join(', ')],
    ['Since', timeText(sinceMs)],
    ['Telemetry', isReachable ? 'open: it takes commands' : 'none: it takes no commands now'],
  ])
  if (topics.length > 0) {
    printer.line()
    printer.table(
      [{ title: 'PRODUCES FOR' }],
      topics.map((topic) => [topic]),
    )
  }
  if (subscriptions.length > 0) {
    printer.line()
    printer.table(
      [{ title: 'TOPIC' }, { title: 'TYPE' }, { title: 'EXPRESSION' }],
      subscriptions.map(({ topic, type, expression }) => [topic, type, expression]),
    )
  }
  return ExitCode.OK
}
