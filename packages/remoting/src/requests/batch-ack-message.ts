// BATCH_ACK_MESSAGE: settles many popped messages of one broker; everything is in the body.
// Java: BatchAckMessageRequestBody, BatchAck.
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  decodeBitset,
  encodeBitset,
  JsonFields,
  MqError,
  parseJavaJson,
  popTopicFlag,
  popTopicKind,
  stringifyJavaJson,
  type PopTopicKind,
} from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest } from '../codec/define-request.ts'

export const BatchAckMessage = defineRequest({
  code: RequestCode.BATCH_ACK_MESSAGE,
  name: 'BATCH_ACK_MESSAGE',
  header: {},
  answer: {},
})

/** Messages of one popped batch of one queue. */
export interface BatchAck {
  readonly consumerGroup: string
  /** The topic the consumer knows; with `topicKind` it names where the messages lie. */
  readonly topic: string
  readonly topicKind: PopTopicKind
  readonly startOffset: number
  readonly queueId: number
  readonly reviveQid: number
  readonly popTimeMs: number
  readonly invisibleTimeMs: number
  /** Offsets of the messages less `startOffset`, ascending. */
  readonly offsetsFromStart: readonly number[]
}

export interface BatchAckBody {
  readonly brokerName: string
  readonly acks: readonly BatchAck[]
}

/** Batches in one request. */
export const BATCH_ACKS_MAX = 4096
/** Messages in one request: as many full pops. A bitset of few bytes names thousands of them. */
export const BATCH_ACK_MESSAGES_MAX = 32 * BATCH_ACKS_MAX
const BODY_BYTES_MAX = 4 * 1024 * 1024

export function encodeBatchAckBody(body: BatchAckBody): Uint8Array {
  const acks = body.acks.map((ack) => ({
    c: ack.consumerGroup,
    t: ack.topic,
    r: String(popTopicFlag(ack.topicKind)),
    so: ack.startOffset,
    q: ack.queueId,
    rq: ack.reviveQid,
    pt: ack.popTimeMs,
    it: ack.invisibleTimeMs,
    b: encodeBitset(ack.offsetsFromStart),
  }))
  return utf8Encode(stringifyJavaJson({ brokerName: body.brokerName, acks }))
}

/** MqError 'parameter-invalid' names the field. */
export function decodeBatchAckBody(bytes: Uint8Array): BatchAckBody {
  const fields = new JsonFields(parseJavaJson(bytes, { bytesMax: BODY_BYTES_MAX }), 'BatchAckMessageRequestBody')
  const items = fields.items('acks')
  if (items.length > BATCH_ACKS_MAX) {
    throw new MqError('parameter-invalid', `${fields.path}.acks: at most ${BATCH_ACKS_MAX} are accepted`)
  }
  let messages = 0
  const acks = items.map((item, index): BatchAck => {
    const ack = new JsonFields(item, `${fields.path}.acks[${index}]`)
    const topicKind = popTopicKind(ack.text('r', '0'))
    if (topicKind === undefined) throw ack.wrong('r', "'0', '1' or '2'")
    const batch = {
      consumerGroup: ack.text('c'),
      topic: ack.text('t'),
      topicKind,
      startOffset: ack.integer('so'),
      queueId: ack.int32('q'),
      reviveQid: ack.int32('rq'),
      popTimeMs: ack.integer('pt'),
      invisibleTimeMs: ack.integer('it'),
      offsetsFromStart: decodeBitset(ack.text('b')),
    }
    messages += batch.offsetsFromStart.length
    if (messages > BATCH_ACK_MESSAGES_MAX) {
      throw new MqError('parameter-invalid', `${fields.path}.acks: at most ${BATCH_ACK_MESSAGES_MAX} messages at once`)
    }
    return batch
  })
  return { brokerName: fields.text('brokerName', ''), acks }
}
