// rmq group list: the consumer groups of all brokers, each once.
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { countText } from '../output/text.ts'
import type { Scope } from '../session.ts'
import { askAll } from './ask-all.ts'
import { type GroupAt, groupDocument, isHiddenGroup } from './groups.ts'

export interface GroupListOptions extends Pick<Scope, 'cluster'> {
  readonly all?: boolean
}

export async function groupList(context: Context, options: GroupListOptions): Promise<number> {
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const { answers, failed } = await askAll(context, brokers, (address) => session.brokers.subscriptionGroups(address))
  const places = new Map<string, GroupAt[]>()
  for (const { broker, value } of answers) {
    for (const config of value) {
      const known = places.get(config.groupName)
      if (known === undefined) places.set(config.groupName, [{ broker, config }])
      else known.push({ broker, config })
    }
  }
  const names = [...places.keys()].sort()
  const shown = options.all === true ? names : names.filter((name) => !isHiddenGroup(name))
  const groups = shown.map((name) => groupDocument(name, places.get(name) ?? []))
  const hidden = names.length - shown.length
  if (printer.isJson) printer.document({ groups })
  else {
    if (groups.length === 0) printer.line('No groups. Create one with: rmq group create <group>')
    else printer.table(COLUMNS, groups.map(rowOf))
    if (hidden > 0) printer.remark(`${countText(hidden, 'group')} of the system; --all shows them`)
  }
  return failed ? ExitCode.FAILED : ExitCode.OK
}

const COLUMNS = [
  { title: 'GROUP' },
  { title: 'ATTEMPTS', align: 'right' },
  { title: 'ORDER' },
  { title: 'ENABLED' },
  { title: 'BROKERS' },
] as const

function rowOf({ group, maxAttempts, order, enabled, brokers }: ReturnType<typeof groupDocument>) {
  return [group, maxAttempts ?? '-', order, enabled ? 'yes' : 'no', brokers.join(',')]
}
