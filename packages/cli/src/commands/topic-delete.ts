// rmq topic delete: first at the brokers, then at the nameservers: a broker that still has it would bring its route back.
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { countText } from '../output/text.ts'
import type { Scope } from '../session.ts'
import { askAll } from './ask-all.ts'
import { type ConfirmOptions, confirmed } from './confirm.ts'
import { toldAll } from './name-servers.ts'
import { noSuchTopic } from './topic-describe.ts'

export type TopicDeleteOptions = Pick<Scope, 'cluster'> & ConfirmOptions

export async function topicDelete(context: Context, options: TopicDeleteOptions, topic: string): Promise<number> {
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const looked = await askAll(context, brokers, (address) => session.brokers.topicStats(address, topic))
  const holders = looked.answers.filter(({ value }) => value !== undefined)
  if (holders.length === 0 && !looked.failed && (await session.route(topic)) === undefined) throw noSuchTopic(topic)
  const messages = holders
    .flatMap(({ value }) => value ?? [])
    .reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0)
  const names = holders.map(({ broker }) => broker.brokerName)
  const where = names.length === 0 ? '' : ` on ${names.join(', ')}`
  const question = `Delete topic ${topic} with ${countText(messages, 'message')}${where}?`
  if (!(await confirmed(context, options, question))) return ExitCode.FAILED

  const deleted = await askAll(
    context,
    holders.map(({ broker }) => broker),
    (address) => session.brokers.deleteTopic(address, topic),
  )
  const isComplete = !looked.failed && !deleted.failed
  const isTold = isComplete
    ? toldAll(context, await session.nameServers.deleteTopic(topic, brokers[0]?.cluster), 'keeps its route')
    : false
  if (!isComplete) printer.warning(`routes of topic ${topic} stay, since not every broker deleted it; run this again`)
  const gone = deleted.answers.map(({ broker }) => broker.brokerName)
  if (printer.isJson) printer.document({ topic, messages, brokers: gone, routeDeleted: isTold })
  else printer.line(`Topic ${topic} deleted${where === '' ? ' at the nameservers' : ` on ${gone.join(', ')}`}.`)
  return isTold ? ExitCode.OK : ExitCode.FAILED
}
