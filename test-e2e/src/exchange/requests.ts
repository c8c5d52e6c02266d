// The requests of an exchange, as functions: each broker is asked in the same words.
import { askOk, type RemotingClient, UnexpectedAnswer } from './remoting-client.ts'
import { readRecords, type StoredMessage, writeProperties } from './record.ts'

const SEND_MESSAGE_V2 = 310
const QUERY_MESSAGE = 12
const QUERY_CONSUMER_OFFSET = 14
const UPDATE_AND_CREATE_TOPIC = 17
const SEARCH_OFFSET_BY_TIMESTAMP = 29
const GET_MAX_OFFSET = 30
const GET_MIN_OFFSET = 31
const GET_EARLIEST_MSG_STORETIME = 32
const VIEW_MESSAGE_BY_ID = 33
const UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = 200
const UPDATE_CONSUMER_OFFSET = 15
const PULL_MESSAGE = 11
const POP_MESSAGE = 200_050
const ACK_MESSAGE = 200_051
const CHANGE_MESSAGE_INVISIBLETIME = 200_053
const QUERY_NOT_FOUND = 22
const POLLING_TIMEOUT = 210
const NO_MESSAGE = 19
const PULL_WITH_SUBSCRIPTION = 4
const POLL_WAIT_MS_MAX = 10_000
/** Where a group of no history begins: at the oldest message. */
const INIT_MODE_MIN = 0

export interface QueueName {
  readonly topic: string
  readonly queueId: number
}

export interface SentMessage {
  readonly queueId: number
  readonly queueOffset: number
  readonly offsetMessageId: string
}

/** A message that is out for a consumer, with what its acknowledgement needs. */
export interface PoppedMessage extends StoredMessage {
  /** Of the queue that it came from: a retry topic where it comes again. */
  readonly handle: string
  readonly from: QueueName
}

/** `type`: the only one that its messages may have. */
export async function createTopic(
  client: RemotingClient,
  topic: string,
  queues: number,
  type: 'NORMAL' | 'FIFO' | 'DELAY' | 'TRANSACTION' = 'NORMAL',
): Promise<void> {
  await askOk(client, UPDATE_AND_CREATE_TOPIC, {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: queues,
    writeQueueNums: queues,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    ...(type !== 'NORMAL' && { attributes: `+message.type=${type}` }),
  })
}

export interface GroupSettings {
  readonly retryMaxTimes?: number
  readonly consumeEnable?: boolean
  readonly consumeMessageOrderly?: boolean
}

export async function createGroup(
  client: RemotingClient,
  groupName: string,
  { retryMaxTimes = 16, consumeEnable = true, consumeMessageOrderly = false }: GroupSettings = {},
): Promise<void> {
  const config = {
    groupName,
    consumeEnable,
    consumeMessageOrderly,
    consumeFromMinEnable: true,
    consumeBroadcastEnable: true,
    retryQueueNums: 1,
    retryMaxTimes,
    brokerId: 0,
    whichBrokerWhenConsumeSlowly: 1,
    notifyConsumerIdsChangedEnable: true,
  }
  await askOk(client, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, Buffer.from(JSON.stringify(config)))
}

export interface Outgoing extends QueueName {
  readonly body: Buffer
  readonly properties: Readonly<Record<string, string>>
  readonly reconsumeTimes?: number
}

export async function send(client: RemotingClient, message: Outgoing): Promise<SentMessage> {
  const { topic, queueId, body, properties, reconsumeTimes = 0 } = message
  const { fields } = await askOk(
    client,
    SEND_MESSAGE_V2,
    {
      a: 'exchange',
      b: topic,
      c: 'TBW102',
      d: 4,
      e: queueId,
      f: 0,
      g: Date.now(),
      h: 0,
      i: writeProperties(properties),
      j: reconsumeTimes,
      k: false,
      m: false,
    },
    body,
  )
  return {
    queueId: numberOf(fields, 'queueId'),
    queueOffset: numberOf(fields, 'queueOffset'),
    offsetMessageId: fields['msgId'] ?? '',
  }
}

export async function maxOffset(client: RemotingClient, queue: QueueName): Promise<number> {
  return numberOf((await askOk(client, GET_MAX_OFFSET, { ...queue })).fields, 'offset')
}

export async function minOffset(client: RemotingClient, queue: QueueName): Promise<number> {
  return numberOf((await askOk(client, GET_MIN_OFFSET, { ...queue })).fields, 'offset')
}

export async function earliestStoredMs(client: RemotingClient, queue: QueueName): Promise<number> {
  return numberOf((await askOk(client, GET_EARLIEST_MSG_STORETIME, { ...queue })).fields, 'timestamp')
}

export type Boundary = 'LOWER' | 'UPPER'

export async function offsetAtTime(
  client: RemotingClient,
  queue: QueueName,
  timestamp: number,
  boundaryType: Boundary,
): Promise<number> {
  const answer = await askOk(client, SEARCH_OFFSET_BY_TIMESTAMP, { ...queue, timestamp, boundaryType })
  return numberOf(answer.fields, 'offset')
}

export interface KeyQuery {
  readonly topic: string
  readonly key: string
  readonly isUnique: boolean
  readonly beginMs: number
  readonly endMs: number
}

/** Also messages of other keys with an equal hash, as Apache's broker does; clients leave them out. */
export async function messagesOfKey(client: RemotingClient, query: KeyQuery): Promise<StoredMessage[]> {
  const { topic, key, isUnique, beginMs, endMs } = query
  const answer = await client.ask(QUERY_MESSAGE, {
    topic,
    key,
    maxNum: 64,
    beginTimestamp: beginMs,
    endTimestamp: endMs,
    ...(isUnique ? { _UNIQUE_KEY_QUERY: 'true' } : {}),
  })
  if (answer.code === QUERY_NOT_FOUND) return []
  if (answer.code !== 0) throw new UnexpectedAnswer(QUERY_MESSAGE, answer)
  return readRecords(answer.body)
}

/** The record at a position of the log; undefined where none is. */
export async function messageAt(
  client: RemotingClient,
  commitLogOffset: number,
  topic: string,
): Promise<StoredMessage | undefined> {
  const answer = await client.ask(VIEW_MESSAGE_BY_ID, { offset: commitLogOffset, topic })
  return answer.code === 0 ? readRecords(answer.body)[0] : undefined
}

/** What the group has done with everything below; undefined where the broker does not know it. */
export async function consumerOffset(
  client: RemotingClient,
  consumerGroup: string,
  queue: QueueName,
): Promise<number | undefined> {
  const fields = { consumerGroup, ...queue, setZeroIfNotFound: false }
  const answer = await client.ask(QUERY_CONSUMER_OFFSET, fields)
  if (answer.code === QUERY_NOT_FOUND) return undefined
  if (answer.code !== 0) throw new UnexpectedAnswer(QUERY_CONSUMER_OFFSET, answer)
  return numberOf(answer.fields, 'offset')
}

export async function commitOffset(
  client: RemotingClient,
  consumerGroup: string,
  queue: QueueName,
  offset: number,
): Promise<void> {
  await askOk(client, UPDATE_CONSUMER_OFFSET, { consumerGroup, ...queue, commitOffset: offset })
}

/** What lies at an offset of a queue and behind it, as 4.x consumers read; ours does not answer it yet. */
export async function pull(
  client: RemotingClient,
  consumerGroup: string,
  queue: QueueName,
  queueOffset: number,
): Promise<StoredMessage[]> {
  const answer = await client.ask(PULL_MESSAGE, {
    consumerGroup,
    ...queue,
    queueOffset,
    maxMsgNums: 32,
    sysFlag: PULL_WITH_SUBSCRIPTION,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subVersion: 0,
    subscription: '*',
    expressionType: 'TAG',
  })
  if (answer.code === NO_MESSAGE) return []
  if (answer.code !== 0) throw new UnexpectedAnswer(PULL_MESSAGE, answer)
  return readRecords(answer.body)
}

export interface Pop {
  readonly topic: string
  readonly consumerGroup: string
  readonly queueId?: number
  readonly invisibleMs: number
  readonly messagesMax?: number
  /** 0: answers at once. */
  readonly pollMs?: number
}

/** Takes messages, of the retry topic too. */
export async function pop(client: RemotingClient, options: Pop): Promise<PoppedMessage[]> {
  const { topic, consumerGroup, queueId = -1, invisibleMs, messagesMax = 32, pollMs = 0 } = options
  const answer = await client.ask(POP_MESSAGE, {
    consumerGroup,
    topic,
    queueId,
    maxMsgNums: messagesMax,
    invisibleTime: invisibleMs,
    pollTime: Math.min(pollMs, POLL_WAIT_MS_MAX),
    bornTime: Date.now(),
    initMode: INIT_MODE_MIN,
    expType: 'TAG',
    exp: '*',
    order: false,
  })
  if (answer.code === POLLING_TIMEOUT || answer.code === NO_MESSAGE) return []
  if (answer.code !== 0) throw new UnexpectedAnswer(POP_MESSAGE, answer)
  return withHandles(answer.fields, readRecords(answer.body), topic, consumerGroup)
}

/** Pairs messages with offsets as Apache's client does. Java: MQClientAPIImpl.processPopResponse. */
function withHandles(
  fields: Readonly<Record<string, string>>,
  messages: readonly StoredMessage[],
  topic: string,
  group: string,
): PoppedMessage[] {
  const starts = infoOf(fields['startOffsetInfo'])
  return messages.map((message) => {
    const given = message.properties.get('POP_CK')
    if (given !== undefined) {
      const parts = given.split(' ')
      const isV2 = parts[4] === '2'
      const retryTopic = `%RETRY%${group}${isV2 ? '+' : '_'}${topic}`
      return { ...message, handle: given, from: { topic: retryTopic, queueId: Number(parts[6]) } }
    }
    const start = starts.get(`0 ${message.queueId}`)
    if (start === undefined) throw new Error(`no start offset of ${message.topic} ${message.queueId}`)
    const { popTime, invisibleTime, reviveQid } = fields
    const broker = fields['brokerName'] ?? BROKER_NAME
    const handle = `${start} ${popTime} ${invisibleTime} ${reviveQid} 0 ${broker} ${message.queueId} ${message.queueOffset}`
    return { ...message, handle, from: { topic, queueId: message.queueId } }
  })
}

/** The name of the broker in every exchange. */
export const BROKER_NAME = 'broker-x'

function infoOf(text: string | undefined): Map<string, string> {
  const entries = (text ?? '').split(';').filter((entry) => entry !== '')
  return new Map(
    entries.map((entry) => {
      const [flag, queueId, offsets = ''] = entry.split(' ')
      return [`${flag} ${queueId}`, offsets]
    }),
  )
}

/** The offset of a popped message in the queue that it was popped from. */
function offsetOf({ handle, queueOffset }: PoppedMessage): number {
  return Number(handle.split(' ')[7] ?? queueOffset)
}

export async function ack(client: RemotingClient, consumerGroup: string, message: PoppedMessage): Promise<void> {
  const { topic, queueId } = message.from
  await askOk(client, ACK_MESSAGE, {
    consumerGroup,
    topic,
    queueId,
    extraInfo: message.handle,
    offset: offsetOf(message),
  })
}

export async function changeInvisible(
  client: RemotingClient,
  consumerGroup: string,
  message: PoppedMessage,
  invisibleMs: number,
): Promise<void> {
  const { topic, queueId } = message.from
  await askOk(client, CHANGE_MESSAGE_INVISIBLETIME, {
    consumerGroup,
    topic,
    queueId,
    extraInfo: message.handle,
    offset: offsetOf(message),
    invisibleTime: invisibleMs,
  })
}

function numberOf(fields: Readonly<Record<string, string>>, name: string): number {
  const value = Number(fields[name])
  if (fields[name] === undefined || !Number.isSafeInteger(value)) {
    throw new Error(`the answer's ${name} is no number: ${fields[name]}`)
  }
  return value
}
