// rmq group delete: with its progress and its retry topic. Its dead letters stay: they are messages that nobody has seen
// through yet.
import { deadLetterTopicOf, retryTopicOf } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import type { Scope } from '../session.ts'
import { askAll } from './ask-all.ts'
import { type ConfirmOptions, confirmed } from './confirm.ts'
import { findGroup, noSuchGroup, placesOf } from './groups.ts'
import { toldAll } from './name-servers.ts'

export type GroupDeleteOptions = Pick<Scope, 'cluster'> & ConfirmOptions

export async function groupDelete(context: Context, options: GroupDeleteOptions, group: string): Promise<number> {
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const looked = await findGroup(context, brokers, group)
  const places = placesOf(looked)
  if (places.length === 0 && !looked.failed) throw noSuchGroup(group)
  const names = places.map(({ broker }) => broker.brokerName)
  const question = `Delete group ${group} and its progress on ${names.join(', ')}?`
  if (!(await confirmed(context, options, question))) return ExitCode.FAILED

  const retryTopic = retryTopicOf(group)
  const { answers, failed } = await askAll(
    context,
    places.map(({ broker }) => broker),
    async (address) => {
      await session.brokers.deleteSubscriptionGroup(address, group)
      await session.brokers.deleteTopic(address, retryTopic)
      return session.brokers.topicStats(address, deadLetterTopicOf(group))
    },
  )
  const isTold = toldAll(
    context,
    await session.nameServers.deleteTopic(retryTopic, brokers[0]?.cluster),
    `keeps the route of ${retryTopic}`,
  )
  const deadLetters = answers
    .flatMap(({ value }) => value ?? [])
    .reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0)
  const gone = answers.map(({ broker }) => broker.brokerName)
  if (printer.isJson) printer.document({ group, brokers: gone, deadLetters })
  else {
    printer.line(`Group ${group} deleted on ${gone.join(', ')}.`)
    if (deadLetters > 0) printer.remark(`its ${deadLetters} dead letters stay in topic ${deadLetterTopicOf(group)}`)
  }
  return looked.failed || failed || !isTold ? ExitCode.FAILED : ExitCode.OK
}
