// A consumer group as its broker keeps it. Member names are those of the JSON, so that a value prints as it is.
import type { JavaJson } from './java-json.ts'
import { JsonFields } from './json-fields.ts'
import { MqError } from './mq-error.ts'

/** Attribute of groups that consume in order: what is held up behind a message that is not settled. */
export const ORDER_UNIT_ATTRIBUTE = 'order.unit'

/** Its values: the whole queue, as Apache does and as is the default, or messages of the same message group only. */
export const ORDER_UNITS = ['QUEUE', 'MESSAGE_GROUP'] as const
export type OrderUnit = (typeof ORDER_UNITS)[number]

/** When a failed message comes again. Java: GroupRetryPolicy. Times in milliseconds. */
export type GroupRetryPolicy =
  | { readonly type: 'CUSTOMIZED'; readonly customizedRetryPolicy?: { readonly next: readonly number[] } }
  | {
      readonly type: 'EXPONENTIAL'
      readonly exponentialRetryPolicy?: { readonly initial: number; readonly max: number; readonly multiplier: number }
    }

/** Delays of the customized policy that names none: 1 s … 2 h. */
export const RETRY_DELAYS_MS: readonly number[] = Object.freeze(
  [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200].map((s) => s * 1000),
)

/** The exponential policy that names no numbers. */
export const EXPONENTIAL_RETRY_DEFAULT = Object.freeze({ initial: 5_000, max: 7_200_000, multiplier: 2 })

/** Delays that a customized policy may list: every client of the group is told all of them. */
export const RETRY_DELAYS_COUNT_MAX = 64
/** Longest delay: no message may be invisible for longer. */
export const RETRY_DELAY_MS_MAX = 12 * 3_600_000
export const RETRY_MULTIPLIER_MAX = 1000

/** Java: SubscriptionGroupConfig. */
export interface SubscriptionGroupConfig {
  readonly groupName: string
  readonly consumeEnable: boolean
  readonly consumeFromMinEnable: boolean
  readonly consumeBroadcastEnable: boolean
  /** Deliver in order (FIFO). */
  readonly consumeMessageOrderly: boolean
  readonly retryQueueNums: number
  readonly retryMaxTimes: number
  readonly groupRetryPolicy: GroupRetryPolicy
  readonly brokerId: number
  readonly whichBrokerWhenConsumeSlowly: number
  readonly notifyConsumerIdsChangedEnable: boolean
  readonly groupSysFlag: number
  readonly consumeTimeoutMinute: number
  readonly attributes: ReadonlyMap<string, string>
}

/** Java's defaults, changed by `changes`. */
export function subscriptionGroupConfig(
  groupName: string,
  changes: Partial<Omit<SubscriptionGroupConfig, 'groupName'>> = {},
): SubscriptionGroupConfig {
  return {
    groupName,
    consumeEnable: true,
    consumeFromMinEnable: true,
    consumeBroadcastEnable: true,
    consumeMessageOrderly: false,
    retryQueueNums: 1,
    retryMaxTimes: 16,
    groupRetryPolicy: { type: 'CUSTOMIZED' },
    brokerId: 0,
    whichBrokerWhenConsumeSlowly: 1,
    notifyConsumerIdsChangedEnable: true,
    groupSysFlag: 0,
    consumeTimeoutMinute: 15,
    attributes: new Map(),
    ...changes,
  }
}

/** What has an order for the group, should it consume in order. MqError 'parameter-invalid' for a value that is none. */
export function orderUnitOf({ attributes }: Pick<SubscriptionGroupConfig, 'attributes'>): OrderUnit {
  const text = attributes.get(ORDER_UNIT_ATTRIBUTE) ?? 'QUEUE'
  const unit = ORDER_UNITS.find((known) => known === text)
  if (unit !== undefined) return unit
  const allowed = ORDER_UNITS.join(' or ')
  throw new MqError('parameter-invalid', `attributes: ${ORDER_UNIT_ATTRIBUTE} is '${text}'; allowed is ${allowed}`)
}

/** Java takes any numbers, which its clients then can not work with. Throws MqError 'parameter-invalid'. */
export function checkRetryPolicy(policy: GroupRetryPolicy): void {
  if (policy.type === 'CUSTOMIZED') {
    const next = policy.customizedRetryPolicy?.next ?? []
    if (next.length > RETRY_DELAYS_COUNT_MAX) {
      throw wrongPolicy(`next has ${next.length} delays; allowed are ${RETRY_DELAYS_COUNT_MAX}`)
    }
    for (const delayMs of next) checkWithin('next', delayMs, 0, RETRY_DELAY_MS_MAX)
    return
  }
  const { initial, max, multiplier } = policy.exponentialRetryPolicy ?? EXPONENTIAL_RETRY_DEFAULT
  checkWithin('max', max, 1, RETRY_DELAY_MS_MAX)
  checkWithin('initial', initial, 1, max)
  checkWithin('multiplier', multiplier, 1, RETRY_MULTIPLIER_MAX)
}

function checkWithin(name: string, value: number, min: number, max: number): void {
  if (value < min || value > max) throw wrongPolicy(`${name} is ${value}; allowed is ${min} to ${max}`)
}

function wrongPolicy(reason: string): MqError {
  return new MqError('parameter-invalid', `groupRetryPolicy: ${reason}`)
}

/** Reads a SubscriptionGroupConfig; MqError 'parameter-invalid' names the member. The name is not checked. */
export function decodeSubscriptionGroupConfig(
  json: JavaJson | undefined,
  path = 'SubscriptionGroupConfig',
): SubscriptionGroupConfig {
  const fields = new JsonFields(json, path)
  const defaults = subscriptionGroupConfig(fields.text('groupName'))
  return {
    groupName: defaults.groupName,
    consumeEnable: fields.flag('consumeEnable', defaults.consumeEnable),
    consumeFromMinEnable: fields.flag('consumeFromMinEnable', defaults.consumeFromMinEnable),
    consumeBroadcastEnable: fields.flag('consumeBroadcastEnable', defaults.consumeBroadcastEnable),
    consumeMessageOrderly: fields.flag('consumeMessageOrderly', defaults.consumeMessageOrderly),
    retryQueueNums: fields.int32('retryQueueNums', defaults.retryQueueNums),
    retryMaxTimes: fields.int32('retryMaxTimes', defaults.retryMaxTimes),
    groupRetryPolicy: decodeRetryPolicy(fields),
    brokerId: fields.integer('brokerId', defaults.brokerId),
    whichBrokerWhenConsumeSlowly: fields.integer('whichBrokerWhenConsumeSlowly', defaults.whichBrokerWhenConsumeSlowly),
    notifyConsumerIdsChangedEnable: fields.flag(
      'notifyConsumerIdsChangedEnable',
      defaults.notifyConsumerIdsChangedEnable,
    ),
    groupSysFlag: fields.int32('groupSysFlag', defaults.groupSysFlag),
    consumeTimeoutMinute: fields.int32('consumeTimeoutMinute', defaults.consumeTimeoutMinute),
    attributes: fields.textMap('attributes'),
  }
}

function decodeRetryPolicy(group: JsonFields): GroupRetryPolicy {
  const fields = group.object('groupRetryPolicy')
  const type = fields.text('type', 'CUSTOMIZED')
  if (type === 'CUSTOMIZED') {
    if (fields.raw('customizedRetryPolicy') === undefined) return { type }
    const policy = fields.object('customizedRetryPolicy')
    const next = policy.items('next').map((delayMs) => {
      if (typeof delayMs !== 'number' || !Number.isSafeInteger(delayMs)) throw policy.wrong('next', 'milliseconds')
      return delayMs
    })
    return { type, customizedRetryPolicy: { next } }
  }
  if (type !== 'EXPONENTIAL') throw fields.wrong('type', 'CUSTOMIZED or EXPONENTIAL')
  if (fields.raw('exponentialRetryPolicy') === undefined) return { type }
  const policy = fields.object('exponentialRetryPolicy')
  return {
    type,
    exponentialRetryPolicy: {
      initial: policy.integer('initial', EXPONENTIAL_RETRY_DEFAULT.initial),
      max: policy.integer('max', EXPONENTIAL_RETRY_DEFAULT.max),
      multiplier: policy.integer('multiplier', EXPONENTIAL_RETRY_DEFAULT.multiplier),
    },
  }
}
