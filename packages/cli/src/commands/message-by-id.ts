// One message by its id, with every copy: by its unique key, or, where the id names a place in a queue or in a broker's log,
// by that.
import { MqError, parseOffsetMessageId, PropertyName } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'
import type { BrokerAddress, Scope } from '../session.ts'
import { copyOf, findCopies, type FoundCopies, type FoundCopy } from './message-copies.ts'
import { noSuchTopic } from './topic-describe.ts'
import { windowOf } from './time-window.ts'

export interface MessageOptions extends Scope {
  readonly topic?: string
}

/** Copies of one message, all that each broker has of it. */
const COPIES_MAX = 32

/** Rejects with CliFailure 'not-found' where no broker that answers has it. */
export async function findById(context: Context, options: MessageOptions, id: string): Promise<FoundCopies> {
  const session = await context.session()
  const brokers = await session.masters(options)
  const window = windowOf({}, session.effects.clock.nowMs())
  const question = { topic: options.topic, isUniqueKey: true, ...window, max: COPIES_MAX }
  const found = await findCopies(context, brokers, { ...question, key: id })
  if (found.isUnknownTopic && options.topic !== undefined) throw noSuchTopic(options.topic)
  if (found.copies.length > 0) return found
  const atPlace = await findAtPlace(context, brokers, id)
  if (atPlace === undefined) throw noSuchMessage(id, found.failed)
  const key = atPlace.properties.get(PropertyName.UNIQ_KEY)
  if (key === undefined) return { ...found, copies: [atPlace] }
  const copies = await findCopies(context, brokers, { ...question, key })
  return copies.copies.length > 0 ? copies : { ...found, copies: [atPlace] }
}

/** What messages without a unique key are called: broker/topic/queue@offset. */
const QUEUE_PLACE = /^([^/]+)\/([^/]+)\/(\d{1,5})@(\d{1,16})$/

async function findAtPlace(
  context: Context,
  brokers: readonly BrokerAddress[],
  id: string,
): Promise<FoundCopy | undefined> {
  const [, brokerName, topic = '', queueId, offset] = QUEUE_PLACE.exec(id) ?? []
  if (brokerName === undefined) return findInLog(context, brokers, id)
  const broker = brokers.find((each) => each.brokerName === brokerName)
  const place = { topic, queueId: Number(queueId), queueOffset: Number(offset) }
  if (broker === undefined || !Number.isSafeInteger(place.queueOffset)) return undefined
  const session = await context.session()
  const { records } = await session.at(broker, (address) => session.brokers.readQueue(address, place, 1))
  const record = records.find(({ queueOffset }) => queueOffset === place.queueOffset)
  return record === undefined ? undefined : copyOf(broker, record)
}

/** An id as brokers make them says which broker has the message, and where in its log. */
async function findInLog(
  context: Context,
  brokers: readonly BrokerAddress[],
  id: string,
): Promise<FoundCopy | undefined> {
  let place: ReturnType<typeof parseOffsetMessageId>
  try {
    place = parseOffsetMessageId(id)
  } catch (error) {
    if (error instanceof MqError) return undefined
    throw error
  }
  const broker = brokers.find(({ address }) => address === `${place.host}:${place.port}`)
  if (broker === undefined) return undefined
  const session = await context.session()
  const record = await session.at(broker, (address) => session.brokers.viewMessage(address, place.commitLogOffset))
  return record === undefined ? undefined : copyOf(broker, record)
}

function noSuchMessage(id: string, failed: boolean): CliFailure {
  return new CliFailure(
    'not-found',
    `no broker${failed ? ' that answered' : ''} has a message with id '${id}'`,
    'It may be expired, or never have been stored. To look for a key of it: rmq message query --topic <topic> --key <key>',
  )
}
