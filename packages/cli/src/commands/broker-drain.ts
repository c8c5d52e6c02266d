// rmq broker drain: producers go elsewhere, consumers finish what is there. Shows what still waits until nothing does.
import { MASTER_ID } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { compareText, countText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'
import { toldAll } from './name-servers.ts'

export interface DrainOptions {
  readonly undo?: boolean
  readonly wait: boolean
}

/** Between two looks at what waits. */
const LOOK_MS = 2000
/** Groups asked about at once. */
const GROUPS_AT_ONCE = 16

interface Backlog {
  readonly group: string
  readonly topic: string
  readonly messages: number
}

export async function brokerDrain(context: Context, options: DrainOptions, brokerName: string): Promise<number> {
  const { printer } = context
  const session = await context.session()
  const broker = await masterOf(session, brokerName)
  const { nameServers } = session
  const isUndo = options.undo === true
  const results = await (isUndo ? nameServers.addWritePerm(brokerName) : nameServers.wipeWritePerm(brokerName))
  const isTold = toldAll(context, results, isUndo ? 'still names it for reading only' : 'still names it to producers')
  if (results.every(({ kind }) => kind === 'failed')) {
    throw new CliFailure('unavailable', `no nameserver changed the routes of ${brokerName}`)
  }
  const document = {
    broker: brokerName,
    drained: !isUndo,
    nameservers: results.map((result) =>
      result.kind === 'done'
        ? { address: result.address, topics: result.value }
        : { address: result.address, error: result.error.message },
    ),
  }
  const told = `${results.filter(({ kind }) => kind === 'done').length} of ${countText(results.length, 'nameserver')}`
  if (!printer.isJson) {
    if (isUndo) printer.line(`Broker ${brokerName} takes messages again, says ${told}.`)
    else {
      printer.line(`Broker ${brokerName} is drained at ${told}: producers notice within 30 s.`)
      printer.remark(`back again with: rmq broker drain ${brokerName} --undo`)
    }
  }
  if (isUndo) {
    if (printer.isJson) printer.document(document)
    return isTold ? ExitCode.OK : ExitCode.FAILED
  }
  const backlog = await watchBacklog(context, session, broker, options.wait)
  const messages = sumOf(backlog)
  if (printer.isJson) printer.document({ ...document, backlog: messages, groups: backlog })
  else if (messages === 0) printer.line('No group waits for a message of it: it can be stopped.')
  if (options.wait && messages > 0) return ExitCode.INTERRUPTED
  return isTold ? ExitCode.OK : ExitCode.FAILED
}

async function masterOf(session: Session, brokerName: string): Promise<BrokerAddress> {
  const all = await session.brokerAddresses()
  const found = all.find((each) => each.brokerName === brokerName && each.brokerId === MASTER_ID)
  if (found !== undefined) return found
  const names = [...new Set(all.map((each) => each.brokerName))]
  throw new CliFailure(
    'parameter-invalid',
    `no master of broker '${brokerName}' is registered`,
    `Registered: ${names.length === 0 ? 'none' : names.join(', ')}.`,
  )
}

/** The last look: the first one, or where it waits, the one that found nothing or came before the interruption. */
async function watchBacklog(
  context: Context,
  session: Session,
  broker: BrokerAddress,
  wait: boolean,
): Promise<Backlog[]> {
  const { printer, host } = context
  let shown = ''
  for (;;) {
    const backlog = await backlogOf(session, broker)
    const text = backlogText(backlog)
    if (!printer.isJson && backlog.length > 0 && text !== shown) printer.line(text)
    shown = text
    if (backlog.length === 0 || !wait || host.interrupted.aborted) return backlog
    await session.sleep(LOOK_MS)
    if (host.interrupted.aborted) return backlog
  }
}

function backlogText(backlog: readonly Backlog[]): string {
  const parts = backlog.map(({ group, topic, messages }) => `${messages} of ${topic} for ${group}`)
  return `${countText(sumOf(backlog), 'message')} left: ${parts.join(', ')}.`
}

/** What groups have not settled, most first. */
async function backlogOf(session: Session, broker: BrokerAddress): Promise<Backlog[]> {
  const groups = await session.at(broker, (address) => session.brokers.subscriptionGroups(address))
  const backlog = new Map<string, Backlog>()
  for (let at = 0; at < groups.length; at += GROUPS_AT_ONCE) {
    const names = groups.slice(at, at + GROUPS_AT_ONCE).map(({ groupName }) => groupName)
    const stats = await Promise.all(
      names.map((group) => session.at(broker, (address) => session.brokers.consumeStats(address, group))),
    )
    for (const [index, queues] of stats.entries()) {
      const group = names[index] ?? ''
      for (const { topic, brokerOffset, consumerOffset } of queues) {
        const messages = Math.max(0, brokerOffset - consumerOffset)
        const key = `${group}\0${topic}`
        if (messages > 0) backlog.set(key, { group, topic, messages: messages + (backlog.get(key)?.messages ?? 0) })
      }
    }
  }
  return [...backlog.values()].sort(
    (left, right) => right.messages - left.messages || compareText(left.group, right.group),
  )
}

function sumOf(backlog: readonly Backlog[]): number {
  return backlog.reduce((sum, { messages }) => sum + messages, 0)
}
