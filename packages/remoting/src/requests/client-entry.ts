// A client of a proxy, as proxies tell brokers of it and brokers tell operators.
import { JsonFields, MqError, type JavaJson } from '@rocketmq-ts/model'

/** 'UNKNOWN': it is heard of, and has not said what it is. */
export const CLIENT_KINDS = [
  'UNKNOWN',
  'PRODUCER',
  'PUSH_CONSUMER',
  'SIMPLE_CONSUMER',
  'PULL_CONSUMER',
  'LITE_PUSH_CONSUMER',
  'LITE_SIMPLE_CONSUMER',
] as const
export type ClientKind = (typeof CLIENT_KINDS)[number]

export interface ClientSubscription {
  readonly topic: string
  /** 'TAG' or 'SQL92'. */
  readonly type: string
  readonly expression: string
}

export interface ClientEntry {
  readonly clientId: string
  readonly kind: ClientKind
  /** '' for producers. */
  readonly group: string
  /** As the client names them; '' where it does not. */
  readonly language: string
  readonly version: string
  /** 'host:port', as its proxy sees it. */
  readonly address: string
  /** When its proxy first heard of it, in milliseconds since 1970. */
  readonly sinceMs: number
  /** It has a telemetry stream, so it can be told something. */
  readonly isReachable: boolean
  /** What it produces for. */
  readonly topics: readonly string[]
  readonly subscriptions: readonly ClientSubscription[]
}

/** Topics, or subscriptions, of a client that are told; it may have more. */
export const CLIENT_TOPICS_TOLD_MAX = 64
/** Characters of any text in an entry; a longer expression is cut. */
export const CLIENT_TEXT_CHARS_MAX = 2048

/** MqError 'parameter-invalid' names the member. */
export function decodeClientEntry(value: JavaJson, path: string): ClientEntry {
  const fields = new JsonFields(value, path)
  const kind = fields.text('kind', 'UNKNOWN')
  return {
    clientId: bounded(fields, 'clientId'),
    // A proxy may be newer than the broker.
    kind: CLIENT_KINDS.find((known) => known === kind) ?? 'UNKNOWN',
    group: bounded(fields, 'group'),
    language: bounded(fields, 'language'),
    version: bounded(fields, 'version'),
    address: bounded(fields, 'address'),
    sinceMs: fields.integer('sinceMs', 0),
    isReachable: fields.flag('isReachable', false),
    topics: checkCount(fields.texts('topics'), fields, 'topics').map((topic) => checkText(topic, fields, 'topics')),
    subscriptions: checkCount(fields.items('subscriptions'), fields, 'subscriptions').map((item, index) => {
      const each = new JsonFields(item, `${path}.subscriptions[${index}]`)
      return { topic: bounded(each, 'topic'), type: bounded(each, 'type'), expression: bounded(each, 'expression') }
    }),
  }
}

function bounded(fields: JsonFields, name: string): string {
  return checkText(fields.text(name, ''), fields, name)
}

function checkText(text: string, fields: JsonFields, name: string): string {
  if (text.length > CLIENT_TEXT_CHARS_MAX) throw fields.wrong(name, `at most ${CLIENT_TEXT_CHARS_MAX} characters`)
  return text
}

function checkCount<Item>(items: readonly Item[], fields: JsonFields, name: string): readonly Item[] {
  if (items.length <= CLIENT_TOPICS_TOLD_MAX) return items
  throw new MqError('parameter-invalid', `${fields.path}.${name}: at most ${CLIENT_TOPICS_TOLD_MAX} items are accepted`)
}
