// rmq receive: takes messages for a group and acknowledges each after it was written. A message whose command died in
// between comes again.
import type { NotificationResult, PopResult } from '@rocketmq-ts/cluster-client'
import { isReadable, MASTER_ID, type TopicRouteData } from '@rocketmq-ts/model'
import { PopInitMode } from '@rocketmq-ts/remoting'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { countText, durationText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'
import { messageDocument, printMessage, type Received } from './message-text.ts'

export interface ReceiveOptions {
  readonly group: string
  readonly follow?: boolean
  readonly max?: number
  readonly ack: boolean
  readonly tag?: string
  readonly sql?: string
  readonly invisible: number
  readonly wait: number
}

/** Without --follow and --max. */
export const MESSAGES_DEFAULT = 16
/** Of one pop. Java: PopMessageProcessor. */
const POP_MESSAGES_MAX = 32
/** Longest wait of one question; below what brokers and middle boxes call idle. */
const POLL_MS = 15_000
/** Longest wait of one pop with an SQL92 filter. */
const SQL_POLL_MS = 500
/** After a broker failed, or told of messages that nobody got. */
const PAUSE_MS = 1000
const RETRIED: ReadonlySet<string> = new Set(['unavailable', 'closed', 'timeout', 'busy', 'polling-full'])

export async function receive(context: Context, options: ReceiveOptions, topic: string): Promise<number> {
  const { printer, host } = context
  const session = await context.session()
  const receiver = createReceiver(session, topic, options)
  const isLive = options.follow === true || !printer.isJson
  const max = options.max ?? (options.follow === true ? Number.MAX_SAFE_INTEGER : MESSAGES_DEFAULT)
  const endMs = session.effects.clock.monotonicMs() + options.wait
  const kept: Received[] = []
  let count = 0
  let unacknowledged = 0

  async function take(messages: readonly Received[]): Promise<void> {
    for (const message of messages) {
      if (!printer.isJson) printMessage(printer, message)
      else if (isLive) printer.jsonLine(messageDocument(message))
    }
    count += messages.length
    if (isLive) unacknowledged += await acknowledge(messages)
    else kept.push(...messages)
  }

  /** Resolves with the number of those that could not be. */
  async function acknowledge(messages: readonly Received[]): Promise<number> {
    if (!options.ack) return 0
    const results = await Promise.allSettled(messages.map((message) => receiver.ack(message)))
    const failures = results.filter((result) => result.status === 'rejected')
    const [first] = failures
    if (first !== undefined) {
      const reason = first.reason instanceof Error ? first.reason.message : String(first.reason)
      printer.warning(`${countText(failures.length, 'message')} not acknowledged and will come again: ${reason}`)
    }
    return failures.length
  }

  while (count < max && !host.interrupted.aborted) {
    const leftMs = options.follow === true ? POLL_MS : endMs - session.effects.clock.monotonicMs()
    try {
      const before = count
      await receiver.pass(() => max - count, take)
      if (count > before) continue
      if (options.follow !== true && (count > 0 || leftMs <= 0)) break
      await Promise.race([receiver.wait(Math.ceil(Math.min(leftMs, POLL_MS))), aborted(host.interrupted)])
    } catch (error) {
      if (options.follow !== true || !(error instanceof CliFailure) || !RETRIED.has(error.code)) throw error
      printer.warning(`${error.message}; trying again`)
      await session.sleep(PAUSE_MS)
    }
  }
  if (!isLive) {
    printer.document({ topic, group: options.group, messages: kept.map(messageDocument) })
    unacknowledged += await acknowledge(kept)
  } else if (count === 0 && options.follow !== true) {
    printer.remark(`no message for group ${options.group} within ${durationText(options.wait)}`)
  }
  if (unacknowledged > 0) return ExitCode.FAILED
  return host.interrupted.aborted && options.follow !== true ? ExitCode.INTERRUPTED : ExitCode.OK
}

interface Receiver {
  /** Asks every broker once for what is there. */
  pass(left: () => number, take: (messages: readonly Received[]) => Promise<void>): Promise<void>
  /** Resolves when a broker tells of a message, and no later than after the time. */
  wait(ms: number): Promise<void>
  ack(message: Received): Promise<void>
}

function createReceiver(session: Session, topic: string, options: ReceiveOptions): Receiver {
  const { clock } = session.effects
  const asked = new Map<string, Promise<void>>()
  let places: BrokerAddress[] | undefined
  let isWoken = false

  async function brokers(): Promise<BrokerAddress[]> {
    if (places !== undefined) return places
    const route = await session.route(topic)
    if (route === undefined) await session.requireBrokers()
    places = readableBrokers(route, topic)
    return places
  }

  function pop(broker: BrokerAddress, maxMsgNums: number): Promise<PopResult> {
    const header = {
      consumerGroup: options.group,
      topic,
      queueId: -1,
      maxMsgNums,
      invisibleTimeMs: options.invisible,
      // A broker looks at few records at a time: it is to go on, and not to be asked again for each share.
      pollTimeMs: options.sql === undefined ? 0 : SQL_POLL_MS,
      bornTimeMs: clock.nowMs(),
      initMode: PopInitMode.MIN,
      expType: options.sql === undefined ? 'TAG' : 'SQL92',
      exp: options.sql ?? options.tag ?? '*',
      order: false,
    }
    return session.at(broker, (address) => session.brokers.pop({ address, brokerName: broker.brokerName }, header))
  }

  /** One question at a time per broker: it may outlive the wait that asked it. */
  function question(broker: BrokerAddress, pollTimeMs: number): Promise<void> {
    const known = asked.get(broker.address)
    if (known !== undefined) return known
    const header = {
      consumerGroup: options.group,
      topic,
      queueId: -1,
      pollTimeMs,
      bornTimeMs: clock.nowMs(),
      order: false,
    }
    const answer = session
      .at(broker, (address): Promise<NotificationResult> => session.brokers.notification(address, header))
      .then(({ kind }) => {
        if (kind === 'messages') isWoken = true
        else if (kind === 'polling-full') return session.sleep(PAUSE_MS)
      })
      .finally(() => asked.delete(broker.address))
    asked.set(broker.address, answer)
    return answer
  }

  return {
    async pass(left, take) {
      let found = 0
      for (const broker of await brokers()) {
        while (left() > 0) {
          const result = await pop(broker, Math.min(left(), POP_MESSAGES_MAX))
          if (result.kind !== 'found') break
          found += result.messages.length
          await take(result.messages.map((message) => ({ message, brokerName: broker.brokerName })))
        }
      }
      // Told of messages that this group does not want, or may not have yet: asking at once would be asking in a circle.
      if (isWoken && found === 0) await session.sleep(PAUSE_MS)
      isWoken = false
    },
    async wait(ms) {
      const all = await brokers()
      places = undefined
      await Promise.race([session.sleep(ms), ...all.map((broker) => question(broker, ms))])
    },
    async ack({ message, brokerName }) {
      const broker = (await brokers()).find((each) => each.brokerName === brokerName)
      if (broker === undefined) throw new CliFailure('unavailable', `no route names broker ${brokerName} any more`)
      const place = { consumerGroup: options.group, topic, handle: message.handle }
      const { kind } = await session.at(broker, (address) => session.brokers.ack(address, place))
      if (kind !== 'done') throw new CliFailure('handle-invalid', `${brokerName} does not know the message any more`)
    },
  }
}

function readableBrokers(route: TopicRouteData | undefined, topic: string): BrokerAddress[] {
  if (route === undefined) {
    throw new CliFailure(
      'topic-not-found',
      `topic '${topic}' does not exist`,
      `Create it with: rmq topic create ${topic}`,
    )
  }
  const brokers = route.queueDatas.flatMap(({ brokerName, perm }): BrokerAddress[] => {
    const data = route.brokerDatas.find((each) => each.brokerName === brokerName)
    const address = data?.brokerAddrs.get(MASTER_ID)
    if (!isReadable(perm) || data === undefined || address === undefined) return []
    return [{ cluster: data.cluster, brokerName, brokerId: MASTER_ID, address }]
  })
  if (brokers.length === 0) {
    throw new CliFailure('no-permission', `topic '${topic}' may not be read at any broker that is there`)
  }
  return brokers
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
