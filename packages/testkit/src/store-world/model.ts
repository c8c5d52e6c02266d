// What the store has promised so far: every message with its fate, every topic and group with the values it may have, and
// for each group what became of each message. The checker compares it with what the disk holds and what the broker says.
import type { PoppedMessage } from '@rocketmq-ts/cluster-client'
import type { OrderUnit, TopicDedup, TopicRetention } from '@rocketmq-ts/model'
import { EVERYTHING, type GroupFilter, type Traits, traitsOf } from './filters.ts'
import type { Wait } from './wait.ts'

/** Of messages that are sent one after the other. */
const MESSAGE_GROUPS = ['a', 'b', 'a', '', 'c'] as const

/** 'pending': no answer yet, or one that leaves open whether it is stored. */
export type SendOutcome = 'pending' | 'stored' | 'refused'

export interface Message {
  readonly id: number
  readonly topic: string
  readonly body: Buffer
  readonly tag: string
  readonly key: string
  /** The number that its unique key says: that of another one, if it repeats one. */
  readonly uniqueId: number
  /** By the machine's clock: when it was sent, and when it was answered with its place. */
  sentMs: number
  answeredMs: number | undefined
  readonly traits: Traits
  /** '' for those of none. */
  readonly messageGroup: string
  outcome: SendOutcome
  /** Where it lies; known from the answer, or from the log. */
  position: number | undefined
  queueId: number | undefined
  queueOffset: number | undefined
  /** Of the whole record, once the log was read. */
  crc: number | undefined
  /** It is in the log for good: once seen there after a recovery. */
  isSafe: boolean
  /** It was lost where it may be lost, or never got there. */
  isGone: boolean
  /** When it was stored, once the log was read. */
  storeMs: number | undefined
  /** Its bytes were damaged on purpose. */
  isDamaged: boolean
  /** It is to be had later; its place is that in its own topic, unknown until it is there. */
  wait: Wait | undefined
}

export type Settled = 'no' | 'maybe' | 'yes'

/** A message as one group knows it. */
export interface Entry {
  readonly message: Message
  latest: PoppedMessage
  popTimeMs: number
  invisibleMs: number
  /** Nobody else may get it until its invisible time is over. */
  isHidden: boolean
  deliveries: number
  settled: Settled
  /** It came out of a copy that an older life of the group left in its retry topic, too: each goes its own way. */
  isTwice: boolean
  /** End of the log when the delivery, and when the settling was answered. */
  popEnd: number
  settledEnd: number
}

/** A value that a topic or group may have. `born`: no record of its present life lies before. */
export interface SettingValue {
  readonly number: number
  readonly born: number
}

interface Change {
  readonly value: SettingValue | undefined
  /** The log was written up to here when it was asked for, and when it was answered. */
  readonly from: number
  to: number | undefined
}

/** A topic's or a group's setting, as one number. */
export class Setting {
  readonly name: string
  #changes: Change[] = [{ value: undefined, from: 0, to: 0 }]
  /** More than one life fits what is known: its messages are not judged. */
  isFuzzy = false

  constructor(name: string) {
    this.name = name
  }

  /** The value it has when everything that was asked for took place. */
  get value(): SettingValue | undefined {
    return this.#changes.at(-1)?.value
  }

  /** No change waits for its answer. */
  get isSettled(): boolean {
    return this.#changes.every(({ to }) => to !== undefined)
  }

  /** A change was asked for; call the answer when it is acknowledged. */
  change(number: number | undefined, written: number): (written: number) => void {
    const before = this.value
    const value = number === undefined ? undefined : { number, born: before?.born ?? written }
    const change: Change = { value, from: written, to: undefined }
    this.#changes.push(change)
    return (end) => {
      change.to = end
      if (value === undefined) this.isFuzzy = false
    }
  }

  /** After a recovery: what it may be when the log ends at `end`. */
  allowed(end: number): readonly (SettingValue | undefined)[] {
    return this.#open(end).map(({ value }) => value)
  }

  #open(end: number): Change[] {
    let sure = 0
    for (const [index, { to }] of this.#changes.entries()) if (to !== undefined && to <= end) sure = index
    return this.#changes.filter(({ from }, index) => index === sure || (index > sure && from < end))
  }

  /** It has turned out to be this number (undefined: it does not exist). False where that can not be. */
  resolve(number: number | undefined, end: number): boolean {
    const fitting = this.#open(end).filter(({ value }) => value?.number === number)
    const chosen = fitting.at(-1)
    if (chosen === undefined) return false
    const { value } = chosen
    const later = this.#changes.slice(this.#changes.indexOf(chosen) + 1)
    const isAmbiguous = fitting.some((other) => other.value?.born !== value?.born)
    if (value === undefined) this.isFuzzy = false
    else if (isAmbiguous || later.some((undone) => undone.value === undefined)) this.isFuzzy = true
    this.#changes = [{ value, from: 0, to: 0 }]
    return true
  }

  /** Somebody else has set it: it is this from now on, and nothing more is known of it. */
  adopt(number: number | undefined): void {
    this.#changes = [{ value: number === undefined ? undefined : { number, born: 0 }, from: 0, to: 0 }]
    this.isFuzzy = true
  }
}

export class TopicModel extends Setting {
  /** Undefined where it takes everything. */
  readonly dedup: TopicDedup | undefined
  /** Times that its deletion was asked for. */
  deletions = 0
  /** A send may have made it once, where the settings that were asked for came to nothing: then it had none of them. */
  mayBePlain = false
  /** It has rules of its own for how long it keeps messages. */
  readonly isRuled: boolean
  /** All that were asked for in its present life. */
  rules: TopicRetention[] = []

  constructor(name: string, { dedup, isRuled = false }: { dedup?: TopicDedup | undefined; isRuled?: boolean } = {}) {
    super(name)
    this.dedup = dedup
    this.isRuled = isRuled
  }
}

/** A group was told to go on elsewhere in a queue. */
export interface Reset {
  readonly topic: string
  readonly queueId: number
  /** The log was written up to here when it was asked for. */
  readonly from: number
  /** Where to; undefined until it is answered. */
  offset: number | undefined
  /** End of the log when it was answered; undefined where nobody knows whether it took place. */
  end: number | undefined
}

/** Whether a message is still to come from its queue: 'passed' where a reset went over it, 'maybe' where nobody knows. */
export type Turn = 'open' | 'passed' | 'maybe'

export class GroupModel extends Setting {
  readonly filter: GroupFilter
  readonly order: OrderUnit | undefined
  readonly entries = new Map<Message, Entry>()
  /** Of its present life, and of the topics', in their order. */
  resets: Reset[] = []
  /** When it was deleted last, by the machine's clock. */
  deletedMs = -Infinity

  constructor(name: string, filter: GroupFilter = EVERYTHING, order?: OrderUnit) {
    super(name)
    this.filter = filter
    this.order = order
  }

  takes(message: Message): boolean {
    return this.filter.takes(message)
  }

  /** As the resets of its queue have it. */
  turnOf({ topic, queueId, queueOffset = 0 }: Message): Turn {
    let turn: Turn = 'open'
    for (const reset of this.resets) {
      if (reset.topic !== topic || reset.queueId !== queueId) continue
      const { offset, end } = reset
      turn = end === undefined || offset === undefined ? 'maybe' : queueOffset < offset ? 'passed' : 'open'
    }
    return turn
  }

  /** The last one of each queue. */
  lastResets(): Iterable<Reset> {
    return new Map(this.resets.map((reset) => [`${reset.queueId} ${reset.topic}`, reset])).values()
  }
}

export interface CheckBackModel {
  /** Until the first question, where a message does not say it. */
  readonly immunityMs: number
  readonly intervalMs: number
  /** Questions, at most. */
  readonly checks: number
}

/** Of a model without transactions. */
const NO_CHECKS: CheckBackModel = { immunityMs: 0, intervalMs: 0, checks: 0 }

export class Model {
  readonly messages: Message[] = []
  /** Messages that groups gave up, as `deadKeyOf` names them. */
  readonly dead = new Set<string>()
  /** The same by the broker's word alone, at once: its log says it when it is read. */
  readonly toldDead = new Set<string>()
  /** How producers are asked about what they did not decide. */
  readonly checkBack: CheckBackModel
  /** Files of the log may go before their time. */
  areFilesForced = false
  /** The log begins here: what lies before has expired. */
  min = 0
  readonly topics: readonly TopicModel[]
  readonly groups: GroupModel[]

  constructor(topics: readonly TopicModel[], groups: GroupModel[], checkBack: CheckBackModel = NO_CHECKS) {
    this.checkBack = checkBack
    this.topics = topics
    this.groups = groups
  }

  topic(name: string): TopicModel | undefined {
    return this.topics.find((topic) => topic.name === name)
  }

  /** A new one; it may repeat another one. */
  message(topic: string, body: Buffer, tag: string, key: string, repeated?: Message): Message {
    const id = this.messages.length
    const message: Message = {
      id,
      uniqueId: repeated?.uniqueId ?? id,
      sentMs: 0,
      answeredMs: undefined,
      topic,
      body,
      tag,
      key,
      traits: traitsOf(id),
      messageGroup: MESSAGE_GROUPS[id % MESSAGE_GROUPS.length] ?? '',
      outcome: 'pending',
      position: undefined,
      queueId: undefined,
      queueOffset: undefined,
      crc: undefined,
      isSafe: false,
      isGone: false,
      storeMs: undefined,
      isDamaged: false,
      wait: undefined,
    }
    this.messages.push(message)
    return message
  }

  /** The message whose body this is. */
  ofBody(body: Uint8Array): Message | undefined {
    return this.messages[idOf(body)]
  }

  /** It is in the present life of its topic. */
  isCurrent(message: Message): boolean {
    const born = this.topic(message.topic)?.value?.born
    return born !== undefined && message.position !== undefined && !message.isGone && message.position >= born
  }
}

/** Names a message of a queue as one group sees it. */
export function deadKeyOf(group: string, topic: string, queueId: number | undefined, queueOffset: number | undefined) {
  return `${group} ${topic} ${queueId} ${queueOffset}`
}

const HEAD_CHARS = 8

/** A body that says which message it is: its number, then letters. */
export function bodyOf(id: number, length: number): Buffer {
  const body = Buffer.alloc(Math.max(HEAD_CHARS, length), 97 + (id % 26))
  body.write(String(id).padStart(HEAD_CHARS, '0'), 'latin1')
  return body
}

function idOf(body: Uint8Array): number {
  return Number(Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, HEAD_CHARS)).toString('latin1'))
}
