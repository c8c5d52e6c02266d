// rmq topic list: the topics of all brokers, each once.
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { countText } from '../output/text.ts'
import type { Scope } from '../session.ts'
import { askAll } from './ask-all.ts'
import { isHidden, type TopicAt, topicDocument } from './topics.ts'

export interface TopicListOptions extends Scope {
  readonly all?: boolean
}

export async function topicList(context: Context, options: TopicListOptions): Promise<number> {
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const { answers, failed } = await askAll(context, brokers, (address) => session.brokers.topicConfigs(address))
  const places = new Map<string, TopicAt[]>()
  for (const { broker, value } of answers) {
    for (const config of value) {
      const known = places.get(config.topicName)
      if (known === undefined) places.set(config.topicName, [{ broker, config }])
      else known.push({ broker, config })
    }
  }
  const names = [...places.keys()].sort()
  const shown = options.all === true ? names : names.filter((name) => !isHidden(name, brokers))
  const topics = shown.map((name) => topicDocument(name, places.get(name) ?? []))
  const hidden = names.length - shown.length
  if (printer.isJson) printer.document({ topics })
  else {
    if (topics.length === 0) printer.line('No topics. Create one with: rmq topic create <topic>')
    else printer.table(COLUMNS, topics.map(rowOf))
    if (hidden > 0) printer.remark(`${countText(hidden, 'topic')} of the system; --all shows them`)
  }
  return failed ? ExitCode.FAILED : ExitCode.OK
}

const COLUMNS = [
  { title: 'TOPIC' },
  { title: 'TYPE' },
  { title: 'QUEUES', align: 'right' },
  { title: 'PERM' },
  { title: 'BROKERS' },
] as const

function rowOf({ topic, type, queues, perm, brokers }: ReturnType<typeof topicDocument>) {
  return [topic, type, queues, perm, brokers.join(',')]
}
