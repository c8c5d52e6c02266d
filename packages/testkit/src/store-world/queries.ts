// Questions by key, by unique key, by place and by time, and what the model says about their answers.
import { commitLogOffset, decodeRecord, decodeRecords, type MessageRecord } from '@rocketmq-ts/model'
import { QueryMessage, ResponseCode, SearchOffsetByTimestamp, ViewMessageById } from '@rocketmq-ts/remoting'
import type { Prng } from '../sim/index.ts'
import type { BrokerHost } from './broker-host.ts'
import { nameOf, uniqueKeyOf } from './message-names.ts'
import type { Message, Model, TopicModel } from './model.ts'
import { mayHaveExpired } from './topic-rules.ts'
import type { Verdict } from './verdict.ts'

const TIMEOUT_MS = 60_000
/** Questions that are asked once more where the broker says so. */
const AGAIN_MAX = 8
/** Messages of one answer: more than any key of a run has. */
const ANSWERS_MAX = 64
/** Beyond every store time of a run. */
const END_MS = 4_102_444_800_000

export interface QueryDeps {
  readonly host: BrokerHost
  readonly model: Model
  readonly random: Prng
  readonly verdict: Verdict
}

/** Asks one question about a topic whose life is known, and judges its answer. */
export function ask(deps: QueryDeps, topic: TopicModel): Promise<void> {
  const { random, model } = deps
  const known = model.messages.filter(
    (message) => message.topic === topic.name && message.outcome === 'stored' && model.isCurrent(message),
  )
  const message = known.length === 0 ? undefined : random.pick(known)
  const kind = random.integer(4)
  if (message === undefined || kind === 0) return askKey(deps, topic, `key-${random.integer(12)}`, known)
  if (kind === 1) return askUniqueKey(deps, topic, message)
  return kind === 2 ? askPlace(deps, message) : askTime(deps, topic, message, known)
}

async function askKey(deps: QueryDeps, topic: TopicModel, key: string, known: readonly Message[]): Promise<void> {
  const wanted = known.filter((message) => message.key === key && message.outcome === 'stored')
  const found = await queried(deps, topic, key, false)
  if (found === undefined) return
  for (const record of found) {
    if (deps.model.ofBody(record.body)?.key !== key)
      deps.verdict.add('query', `${key} of ${topic.name}: ${placeOf(record)} has another key`)
  }
  if (found.length < ANSWERS_MAX) for (const message of wanted) checkFound(deps, message, found, `by ${key}`)
}

/** Asks for a message by its unique key. */
export async function askUniqueKey(deps: QueryDeps, topic: TopicModel, message: Message): Promise<void> {
  const found = await queried(deps, topic, uniqueKeyOf(message.uniqueId), true)
  if (found === undefined) return
  checkFound(deps, message, found, 'by its unique key')
  if (found.length > 1 && message.wait?.isFuzzy !== true && topic.dedup === undefined)
    deps.verdict.add('query', `${nameOf(message)} is found ${found.length} times by its unique key`)
}

async function queried(deps: QueryDeps, topic: TopicModel, key: string, isUniqueKey: boolean) {
  const header = {
    topic: topic.name,
    key,
    maxNum: ANSWERS_MAX,
    beginTimestampMs: 0,
    endTimestampMs: END_MS,
    isUniqueKey,
  }
  const answer = await deps.host.peer.request(QueryMessage, header, { timeoutMs: TIMEOUT_MS })
  if (answer.code === ResponseCode.QUERY_NOT_FOUND) return []
  if (answer.code !== ResponseCode.SUCCESS) return undefined
  const records = decodeRecords(answer.body ?? Buffer.alloc(0))
  for (const record of records) checkRecord(deps, record, `${topic.name} by key ${key}`)
  return records
}

async function askPlace(deps: QueryDeps, message: Message): Promise<void> {
  const { host, verdict } = deps
  const header = { commitLogOffset: commitLogOffset(message.position ?? 0) }
  const asked = () => host.peer.request(ViewMessageById, header, { timeoutMs: TIMEOUT_MS })
  let answer = await asked()
  // Its queue is compared with the log, and the disk is slow.
  for (let again = 0; answer.code === ResponseCode.SYSTEM_BUSY && again < AGAIN_MAX; again += 1) answer = await asked()
  if (answer.code !== ResponseCode.SUCCESS || answer.body === undefined) {
    if (!couldNot(answer) && isThere(deps, message))
      verdict.add('query', `${nameOf(message)} is not found by its id: ${answer.remark ?? answer.code}`)
    return
  }
  const record = decodeRecord(answer.body)
  checkRecord(deps, record, 'by its id')
  if (!message.body.equals(record.body)) verdict.add('query', `${nameOf(message)}: its id leads to ${placeOf(record)}`)
}

/** The first message stored at a time is the one of that time, or another of the same. */
async function askTime(deps: QueryDeps, topic: TopicModel, message: Message, known: readonly Message[]): Promise<void> {
  const { host, verdict } = deps
  const { storeMs, queueId } = message
  if (storeMs === undefined || queueId === undefined) return
  const sameQueue = known.filter((other) => other.queueId === queueId && (other.storeMs ?? 0) >= storeMs)
  const header = { topic: topic.name, queueId, timestampMs: storeMs }
  const answer = await host.peer.request(SearchOffsetByTimestamp, header, { timeoutMs: TIMEOUT_MS })
  if (answer.code !== ResponseCode.SUCCESS || answer.header === undefined || !isThere(deps, message)) return
  const told = answer.header.queueOffset
  const min = host.logMin()
  // A damaged one may be stepped over.
  const kept = sameQueue.filter((each) => {
    const { position = 0, isDamaged } = each
    return position >= min && !isDamaged && !mayHaveExpired(host, deps.model, each)
  })
  const first = Math.min(...kept.map(({ queueOffset = Infinity }) => queueOffset))
  if (told > first)
    verdict.add('query', `${topic.name} queue ${queueId}: the first at ${storeMs} is ${told}, it should be ${first}`)
}

function checkFound(deps: QueryDeps, message: Message, found: readonly MessageRecord[], how: string): void {
  const position = message.position ?? 0
  if (deps.host.damagedIndex.some(({ from, to }) => position >= from && position < to)) return
  const isFound = found.some((record) => record.commitLogOffset === message.position)
  if (!isFound && isThere(deps, message)) deps.verdict.add('query', `${nameOf(message)} is not found ${how}`)
}

/** It has not expired, and neither its topic nor its bytes went meanwhile. */
function isThere({ model, host }: QueryDeps, message: Message): boolean {
  const topic = model.topic(message.topic)
  if (!model.isCurrent(message) || message.isDamaged || topic?.isFuzzy !== false || !topic.isSettled) return false
  if (mayHaveExpired(host, model, message)) return false
  return (message.position ?? 0) >= host.logMin() && !host.life.isRefusing && !host.life.hasIndexFailed
}

/** Whatever is answered was sent, as it is, and lies where it says. */
function checkRecord({ model, verdict }: QueryDeps, record: MessageRecord, how: string): void {
  const message = model.ofBody(record.body)
  if (message === undefined) verdict.add('query', `${how}: nobody sent ${placeOf(record)}`)
  else if (!message.body.equals(record.body)) verdict.add('query', `${how}: the body of ${nameOf(message)} differs`)
  else if (message.position !== undefined && message.position !== record.commitLogOffset) {
    // One that waited may have come twice, where nobody knew any more that it had come.
    if (message.wait?.isFuzzy !== true)
      verdict.add('query', `${how}: ${nameOf(message)} was found at ${record.commitLogOffset}`)
  } else if (message.outcome === 'refused' || message.isGone)
    verdict.add('query', `${how}: ${nameOf(message)} is found`)
}

/** The disk failed at it, or the broker is going: that says nothing about the message. */
function couldNot({ code, remark = '' }: { readonly code: number; readonly remark?: string | undefined }): boolean {
  return code === ResponseCode.SERVICE_NOT_AVAILABLE || remark.includes('injected')
}

function placeOf(record: MessageRecord): string {
  return `${record.topic} queue ${record.queueId} offset ${record.queueOffset} at ${record.commitLogOffset}`
}
