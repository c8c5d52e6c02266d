// A topic as its broker keeps it. Member names are those of the JSON, so that a value prints as it is.
import type { JavaJson } from './java-json.ts'
import { JsonFields } from './json-fields.ts'
import { isMessageType, MESSAGE_TYPE_ATTRIBUTE, MessageType } from './message-type.ts'
import { MqError } from './mq-error.ts'
import { Perm } from './perm.ts'

export const TOPIC_FILTER_TYPES = ['SINGLE_TAG', 'MULTI_TAG'] as const
export type TopicFilterType = (typeof TOPIC_FILTER_TYPES)[number]

/** Java: TopicConfig. */
export interface TopicConfig {
  readonly topicName: string
  readonly readQueueNums: number
  readonly writeQueueNums: number
  readonly perm: number
  readonly topicFilterType: TopicFilterType
  /** Bit 0: unit, bit 1: has a subscription of a unit. */
  readonly topicSysFlag: number
  readonly order: boolean
  /** Without the signs that requests carry. */
  readonly attributes: ReadonlyMap<string, string>
}

/** Queues of a topic that names no number. Java: TopicConfig.defaultReadQueueNums. */
export const TOPIC_QUEUES_DEFAULT = 16

/** A NORMAL topic to read and write, changed by `changes`. */
export function topicConfig(topicName: string, changes: Partial<Omit<TopicConfig, 'topicName'>> = {}): TopicConfig {
  return {
    topicName,
    readQueueNums: TOPIC_QUEUES_DEFAULT,
    writeQueueNums: TOPIC_QUEUES_DEFAULT,
    perm: Perm.READ_WRITE,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: new Map(),
    ...changes,
  }
}

/** Reads a TopicConfig; MqError 'parameter-invalid' names the member. The name is not checked. */
export function decodeTopicConfig(json: JavaJson | undefined, path = 'TopicConfig'): TopicConfig {
  const fields = new JsonFields(json, path)
  const filterType = fields.raw('topicFilterType') ?? 'SINGLE_TAG'
  return {
    topicName: fields.text('topicName'),
    readQueueNums: fields.int32('readQueueNums', TOPIC_QUEUES_DEFAULT),
    writeQueueNums: fields.int32('writeQueueNums', TOPIC_QUEUES_DEFAULT),
    perm: fields.int32('perm', Perm.READ_WRITE),
    topicFilterType: topicFilterTypeOf(filterType, fields),
    topicSysFlag: fields.int32('topicSysFlag', 0),
    order: fields.flag('order', false),
    attributes: fields.textMap('attributes'),
  }
}

/** An enum of Java travels as its name, from C++ as its ordinal. */
function topicFilterTypeOf(value: JavaJson, fields: JsonFields): TopicFilterType {
  const found = TOPIC_FILTER_TYPES.find((type, ordinal) => value === type || value === ordinal)
  if (found === undefined) throw fields.wrong('topicFilterType', TOPIC_FILTER_TYPES.join(' or '))
  return found
}

/** What the topic accepts: its attribute `message.type`, NORMAL without one. */
export function topicMessageType(config: Pick<TopicConfig, 'attributes'>): MessageType {
  const text = config.attributes.get(MESSAGE_TYPE_ATTRIBUTE)
  return text !== undefined && isMessageType(text) ? text : MessageType.NORMAL
}

/** Equal in every member. */
export function sameTopicConfig(left: TopicConfig, right: TopicConfig): boolean {
  return (
    left.topicName === right.topicName &&
    left.readQueueNums === right.readQueueNums &&
    left.writeQueueNums === right.writeQueueNums &&
    left.perm === right.perm &&
    left.topicFilterType === right.topicFilterType &&
    left.topicSysFlag === right.topicSysFlag &&
    left.order === right.order &&
    left.attributes.size === right.attributes.size &&
    [...left.attributes].every(([name, value]) => right.attributes.get(name) === value)
  )
}

/** One change of a topic's attributes, as requests write it: `+name=value` or `-name`. */
export type AttributeChange =
  | { readonly kind: 'set'; readonly name: string; readonly value: string }
  | { readonly kind: 'delete'; readonly name: string }

/** Reads `+message.type=FIFO,-reserve.time`. MqError 'parameter-invalid'. Java: AttributeParser.parseToMap. */
export function parseAttributeChanges(text: string): AttributeChange[] {
  const changes: AttributeChange[] = []
  for (const part of text.split(',')) {
    if (part === '') continue
    const sign = part[0]
    const [name = '', ...values] = part.slice(1).split('=')
    const isSet = sign === '+' && values.length === 1 && values[0] !== ''
    const isDelete = sign === '-' && values.length === 0
    if (name === '' || !(isSet || isDelete)) {
      throw new MqError('parameter-invalid', `attributes: '${part.slice(0, 64)}' is neither +name=value nor -name`)
    }
    if (changes.some((change) => change.name === name)) {
      throw new MqError('parameter-invalid', `attributes: '${name.slice(0, 64)}' is named twice`)
    }
    changes.push(isSet ? { kind: 'set', name, value: values[0]! } : { kind: 'delete', name })
  }
  return changes
}

/** The text that `parseAttributeChanges` reads. */
export function formatAttributeChanges(changes: readonly AttributeChange[]): string {
  return changes
    .map((change) => (change.kind === 'set' ? `+${change.name}=${change.value}` : `-${change.name}`))
    .join(',')
}

/** What `read` makes of attributes; undefined where it refuses them: a broker that is not ours may keep any text there. */
export function readAttribute<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    return undefined
  }
}
