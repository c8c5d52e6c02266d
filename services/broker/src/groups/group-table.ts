// Consumer groups' settings by name. Pure, as the topic table: changes come from journal records.
import {
  type DataVersion,
  MqError,
  type SubscriptionGroupConfig,
  checkGroupName,
  orderUnitOf,
} from '@rocketmq-ts/model'
import { GROUPS_MAX } from '../limits.ts'

export interface GroupTable {
  get(name: string): SubscriptionGroupConfig | undefined
  all(): Iterable<SubscriptionGroupConfig>
  readonly size: number
  readonly dataVersion: DataVersion
  /** Checks a change without making it. Throws MqError 'group-illegal', 'parameter-invalid' or 'busy' (table full). */
  check(config: SubscriptionGroupConfig): void
  /** Applies a journaled change. */
  put(config: SubscriptionGroupConfig, nowMs: number): void
  /** Applies a journaled deletion; false when there is no such group. */
  remove(name: string, nowMs: number): boolean
}

/** Retries of a group whose settings are gone. Java: SubscriptionGroupConfig.retryMaxTimes. */
const RETRY_TIMES_DEFAULT = 16

/** Deliveries of one message in all, before it is dead: the first one and its retries. Negative: no bound. */
export function attemptsMax(config: SubscriptionGroupConfig | undefined): number {
  const retries = config?.retryMaxTimes ?? RETRY_TIMES_DEFAULT
  return retries < 0 ? Number.MAX_SAFE_INTEGER : retries + 1
}

/** Most retries that a group may ask for. */
export const RETRY_TIMES_MAX = 10_000

/** Creates an empty table. */
export function createGroupTable(): GroupTable {
  const groups = new Map<string, SubscriptionGroupConfig>()
  let counter = 0
  let timestamp = 0

  function changed(nowMs: number): void {
    counter += 1
    timestamp = nowMs
  }

  return {
    get: (name) => groups.get(name),
    all: () => groups.values(),
    get size() {
      return groups.size
    },
    get dataVersion() {
      return { counter, stateVersion: 0, timestamp }
    },
    check(config) {
      checkGroupName(config.groupName)
      const retries = config.retryMaxTimes
      if (!Number.isInteger(retries) || retries < -1 || retries > RETRY_TIMES_MAX) {
        throw new MqError('parameter-invalid', `retryMaxTimes is ${retries}; allowed is −1 to ${RETRY_TIMES_MAX}`)
      }
      orderUnitOf(config)
      if (!groups.has(config.groupName) && groups.size >= GROUPS_MAX) {
        throw new MqError('busy', `the broker holds ${GROUPS_MAX} groups, its maximum: delete one first`)
      }
    },
    put(config, nowMs) {
      groups.set(config.groupName, config)
      changed(nowMs)
    },
    remove(name, nowMs) {
      if (!groups.delete(name)) return false
      changed(nowMs)
      return true
    },
  }
}
