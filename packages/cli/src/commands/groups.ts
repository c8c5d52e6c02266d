// What the group commands share: a group as its brokers together have it.
import { formatDuration } from '@rocketmq-ts/config'
import {
  EXPONENTIAL_RETRY_DEFAULT,
  isSystemGroup,
  orderUnitOf,
  RETRY_DELAYS_MS,
  type SubscriptionGroupConfig,
} from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'
import type { BrokerAddress } from '../session.ts'
import { type Answers, askAll } from './ask-all.ts'
import { common } from './topics.ts'

/** Of a retry policy in one line. */
const DELAYS_SHOWN_MAX = 5

/** A group's settings at one broker. */
export interface GroupAt {
  readonly broker: BrokerAddress
  readonly config: SubscriptionGroupConfig
}

/** Deliveries of a message in all: the first and its retries. */
export function attemptsText({ retryMaxTimes }: SubscriptionGroupConfig): string {
  return retryMaxTimes < 0 ? 'unlimited' : String(retryMaxTimes + 1)
}

/** How the group consumes, as people read it. */
export function orderText(config: SubscriptionGroupConfig): string {
  if (!config.consumeMessageOrderly) return 'concurrent'
  return orderUnitOf(config) === 'MESSAGE_GROUP' ? 'fifo by message group' : 'fifo'
}

/** `1s, 5s, 10s … 2h`, `5s × 2 up to 2h`. */
export function retryText({ groupRetryPolicy: policy }: SubscriptionGroupConfig): string {
  if (policy.type === 'EXPONENTIAL') {
    const { initial, max, multiplier } = policy.exponentialRetryPolicy ?? EXPONENTIAL_RETRY_DEFAULT
    return `${formatDuration(initial)} × ${multiplier} up to ${formatDuration(max)}`
  }
  const listed = policy.customizedRetryPolicy?.next ?? []
  const delays = (listed.length > 0 ? listed : RETRY_DELAYS_MS).map((delayMs) => formatDuration(delayMs))
  if (delays.length <= DELAYS_SHOWN_MAX) return delays.join(', ')
  return `${delays.slice(0, DELAYS_SHOWN_MAX - 1).join(', ')} … ${delays.at(-1)}`
}

/** For programs. `maxAttempts` is null where there is no bound or brokers differ. */
export function groupDocument(name: string, places: readonly GroupAt[]) {
  const attempts = Number(common(places.map(({ config }) => attemptsText(config))))
  return {
    group: name,
    maxAttempts: Number.isNaN(attempts) ? null : attempts,
    order: common(places.map(({ config }) => orderText(config))),
    retryPolicy: common(places.map(({ config }) => retryText(config))),
    enabled: places.every(({ config }) => config.consumeEnable),
    brokers: places.map(({ broker }) => broker.brokerName),
  }
}

export function isHiddenGroup(name: string): boolean {
  return isSystemGroup(name)
}

/** The group's settings at each broker. All groups are listed for it: to ask for one by name creates it. */
export async function findGroup(
  context: Context,
  brokers: readonly BrokerAddress[],
  group: string,
): Promise<Answers<SubscriptionGroupConfig | undefined>> {
  const session = await context.session()
  return askAll(context, brokers, async (address) => {
    const groups = await session.brokers.subscriptionGroups(address)
    return groups.find(({ groupName }) => groupName === group)
  })
}

/** Only brokers that have the group. */
export function placesOf({ answers }: Answers<SubscriptionGroupConfig | undefined>): GroupAt[] {
  return answers.flatMap(({ broker, value }) => (value === undefined ? [] : [{ broker, config: value }]))
}

/** With what to do about it. */
export function noSuchGroup(group: string): CliFailure {
  return new CliFailure(
    'group-not-found',
    `no broker has group '${group}'`,
    `rmq group list --all shows those that there are; create it with: rmq group create ${group}`,
  )
}
