// Requests about consumer groups. Java: AdminBrokerProcessor, SubscriptionGroupManager.
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  MqError,
  type SubscriptionGroupConfig,
  checkGroupName,
  decodeSubscriptionGroupConfig,
  parseJavaJson,
  stringifyJavaJson,
  subscriptionGroupConfig,
} from '@rocketmq-ts/model'
import { type GetSubscriptionGroupConfigHeader, type IncomingRequest, ResponseCode } from '@rocketmq-ts/remoting'
import type { Turns } from '@rocketmq-ts/runtime'
import type { SettingsWriter } from '../settings-writer.ts'
import type { GroupTable } from './group-table.ts'

export interface GroupRequestsDeps {
  readonly groups: GroupTable
  readonly writer: SettingsWriter
  readonly turns: Pick<Turns, 'release'>
  readonly autoCreateSubscriptionGroup: boolean
}

/** Handlers of group requests. */
export function createGroupRequests(deps: GroupRequestsDeps) {
  const { groups, writer } = deps

  /** The group's settings, created where that is allowed. Throws MqError 'group-not-found' or 'group-illegal'. */
  function groupForConsume(name: string): SubscriptionGroupConfig {
    const known = groups.get(name)
    if (known !== undefined) return known
    checkGroupName(name)
    if (!deps.autoCreateSubscriptionGroup) {
      throw new MqError(
        'group-not-found',
        `group '${name}' does not exist on this broker: create it, or switch autoCreateSubscriptionGroup on`,
      )
    }
    const config = subscriptionGroupConfig(name)
    writer.putGroup(config)
    return config
  }

  return {
    groupForConsume,

    updateAndCreateSubscriptionGroup(request: IncomingRequest): void {
      writer.putGroup(decodeSubscriptionGroupConfig(parseJavaJson(request.body)))
      deps.turns.release('flushed', (failure) => {
        if (failure === undefined) request.respond({ code: ResponseCode.SUCCESS })
        else
          request.respond({
            code: ResponseCode.SERVICE_NOT_AVAILABLE,
            remark: `the change was not stored: ${failure.message}`,
          })
      })
    },

    /** Java: creates the group where that is allowed, as any other first contact does. */
    getSubscriptionGroupConfig(request: IncomingRequest<GetSubscriptionGroupConfigHeader>): void {
      const body = utf8Encode(stringifyJavaJson(groupForConsume(request.header.group)))
      deps.turns.release('flushed', (failure) => {
        if (failure === undefined) request.respond({ code: ResponseCode.SUCCESS, body })
        else
          request.respond({
            code: ResponseCode.SERVICE_NOT_AVAILABLE,
            remark: `the group was not stored: ${failure.message}`,
          })
      })
    },
  }
}
