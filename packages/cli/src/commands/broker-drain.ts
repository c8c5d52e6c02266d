// rmq broker drain: producers go elsewhere, consumers finish what is there. Shows what still waits until nothing does.
import { MASTER_ID } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { countText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'
import { type Backlog, backlogOf, backlogOfAll, backlogText, messagesOf } from './broker-backlog.ts'
import { toldAll } from './name-servers.ts'

export interface DrainOptions {
  readonly undo?: boolean
  readonly wait: boolean
}

/** Between two looks at what waits. */
const LOOK_MS = 2000
/** Proxies and 4.x clients ask for routes so often: until then messages may still come. */
const PRODUCERS_NOTICE_MS = 30_000
/** Nameservers keep it in memory: one that started meanwhile must hear of it, too. */
const TELL_AGAIN_MS = 10_000

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
  const { backlog, isDrained } = await watchBacklog(context, session, broker, options.wait)
  const isInterrupted = context.host.interrupted.aborted && !isDrained
  if (printer.isJson) printer.document({ ...document, backlog: messagesOf(backlog), groups: backlog })
  else if (isDrained) printer.line('No group waits for a message of it: it can be stopped.')
  else if (!isInterrupted) {
    printer.line(backlog.length > 0 ? backlogText(backlog) : 'No group waits for a message of it now.')
  }
  if (isInterrupted) return ExitCode.INTERRUPTED
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

interface Watch {
  /** As the last look that was not interrupted found it. */
  readonly backlog: readonly Backlog[]
  /** Nothing waits, and no producer can send any more. */
  readonly isDrained: boolean
}

/** Looks once, or where it waits, until the broker is drained or Ctrl-C comes. */
async function watchBacklog(context: Context, session: Session, broker: BrokerAddress, wait: boolean): Promise<Watch> {
  const { printer, host } = context
  const { clock } = session.effects
  const noticedMs = clock.monotonicMs() + PRODUCERS_NOTICE_MS
  let tellAgainMs = clock.monotonicMs() + TELL_AGAIN_MS
  let shown = ''
  let backlog = await backlogOfAll(session, broker, host.interrupted)
  while (wait && !host.interrupted.aborted) {
    const text = backlogText(backlog)
    if (!printer.isJson && backlog.length > 0 && text !== shown) printer.line(text)
    shown = text
    const noticeMs = noticedMs - clock.monotonicMs()
    if (backlog.length === 0 && noticeMs <= 0) return { backlog, isDrained: true }
    await session.sleep(backlog.length > 0 ? LOOK_MS : Math.min(noticeMs, TELL_AGAIN_MS))
    if (host.interrupted.aborted) break
    if (clock.monotonicMs() >= tellAgainMs) {
      await session.nameServers.wipeWritePerm(broker.brokerName)
      tellAgainMs = clock.monotonicMs() + TELL_AGAIN_MS
    }
    const groups = [...new Set(backlog.map(({ group }) => group))]
    let found = await backlogOf(session, broker, groups, host.interrupted)
    if (found.length === 0) found = await backlogOfAll(session, broker, host.interrupted)
    if (!host.interrupted.aborted) backlog = found
  }
  return { backlog, isDrained: false }
}
