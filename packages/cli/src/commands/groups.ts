// What the group commands share: a group as its brokers together have it.
import { isSystemGroup, orderUnitOf, type SubscriptionGroupConfig } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'
import type { BrokerAddress } from '../session.ts'
import { type Answers, askAll } from './ask-all.ts'
import { common } from './topics.ts'

/** A group's settings at one broker. */
export interface GroupAt {
  readonly broker: BrokerAddress
  readonly config: SubscriptionGroupConfig
}

/** Deliveries of a message in all: the first and its retries. */
export function attemptsText({ retryMaxTimes }: SubscriptionGroupConfig): string {
  return retryMaxTimes < 0 ? 'unlimited' : String(retryMaxTimes + 1)
}

export function orderText(config: SubscriptionGroupConfig): string {
  if (!config.consumeMessageOrderly) return 'concurrent'
  return orderUnitOf(config) === 'MESSAGE_GROUP' ? 'fifo by message group' : 'fifo'
}

/** For programs. `maxAttempts` is null where there is no bound or brokers differ. */
export function groupDocument(name: string, places: readonly GroupAt[]) {
  const attempts = Number(common(places.map(({ config }) => attemptsText(config))))
  return {
    group: name,
    maxAttempts: Number.isNaN(attempts) ? null : attempts,
    order: common(places.map(({ config }) => orderText(config))),
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

export function placesOf({ answers }: Answers<SubscriptionGroupConfig | undefined>): GroupAt[] {
  return answers.flatMap(({ broker, value }) => (value === undefined ? [] : [{ broker, config: value }]))
}

export function noSuchGroup(group: string): CliFailure {
  return new CliFailure(
    'group-not-found',
    `no broker has group '${group}'`,
    `rmq group list --all shows those that there are; create it with: rmq group create ${group}`,
  )
}
