// Requests about consumer groups. Java: AdminBrokerProcessor, SubscriptionGroupManager.
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  MqError,
  type SubscriptionGroupConfig,
  checkGroupName,
  checkRetryPolicy,
  decodeSubscriptionGroupConfig,
  isSystemGroup,
  parseJavaJson,
  stringifyJavaJson,
  subscriptionGroupConfig,
} from '@rocketmq-ts/model'
import {
  type DeleteSubscriptionGroupHeader,
  type GetSubscriptionGroupConfigHeader,
  type IncomingRequest,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import type { Turns } from '@rocketmq-ts/runtime'
import type { Inflight } from '../inflight/inflight.ts'
import type { LongPolling } from '../long-polling.ts'
import type { SettingsWriter } from '../settings-writer.ts'
import type { GroupTable } from './group-table.ts'

export interface GroupRequestsDeps {
  readonly groups: GroupTable
  readonly writer: SettingsWriter
  readonly turns: Pick<Turns, 'release'>
  readonly autoCreateSubscriptionGroup: boolean
  readonly inflight: Pick<Inflight, 'topicsOf'>
  readonly polling: Pick<LongPolling, 'lookAgain'>
}

/** `+name` sets one and `-name` takes it away, as Apache's tools write them; without signs they are all there are. */
function changedAttributes(
  known: ReadonlyMap<string, string> | undefined,
  asked: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  if (![...asked.keys()].some((name) => /^[+-]/.test(name))) return asked
  const attributes = new Map(known)
  for (const [name, value] of asked) {
    if (name.startsWith('+')) attributes.set(name.slice(1), value)
    else if (name.startsWith('-')) attributes.delete(name.slice(1))
    else throw new MqError('parameter-invalid', `attributes: '${name}' has no sign, others have: write +${name}`)
  }
  return attributes
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
        `group '${name}' does not exist on this broker: check its name, create it with: rmq group create ${name}, or ` +
          'switch autoCreateSubscriptionGroup on',
      )
    }
    const config = subscriptionGroupConfig(name)
    writer.putGroup(config)
    return config
  }

  function respondWhenFlushed(request: IncomingRequest): void {
    deps.turns.release('flushed', (failure) => {
      if (failure === undefined) request.respond({ code: ResponseCode.SUCCESS })
      else
        request.respond({
          code: ResponseCode.SERVICE_NOT_AVAILABLE,
          remark: `the change may be stored all the same: ${failure.message}`,
        })
    })
  }

  return {
    groupForConsume,

    updateAndCreateSubscriptionGroup(request: IncomingRequest): void {
      const asked = decodeSubscriptionGroupConfig(parseJavaJson(request.body))
      const known = groups.get(asked.groupName)
      checkRetryPolicy(asked.groupRetryPolicy)
      writer.putGroup({ ...asked, attributes: changedAttributes(known?.attributes, asked.attributes) })
      // Those that wait are answered as those that come now.
      if (known?.consumeEnable === true && !asked.consumeEnable) {
        for (const topic of deps.inflight.topicsOf(asked.groupName)) deps.polling.lookAgain(topic, asked.groupName)
      }
      respondWhenFlushed(request)
    },

    /** Its deliveries and offsets go too, whatever cleanOffset says: they are one state here. */
    deleteSubscriptionGroup(request: IncomingRequest<DeleteSubscriptionGroupHeader>): void {
      if (isSystemGroup(request.header.groupName)) {
        throw new MqError('group-illegal', `group '${request.header.groupName}' belongs to the system: it stays`)
      }
      // Java answers success for a group that is not there: every broker of a cluster is asked.
      if (groups.get(request.header.groupName) !== undefined) writer.deleteGroup(request.header.groupName)
      respondWhenFlushed(request)
    },

    /** Java: creates the group where that is allowed, as any other first contact does. */
    getSubscriptionGroupConfig(request: IncomingRequest<GetSubscriptionGroupConfigHeader>): void {
      const body = utf8Encode(stringifyJavaJson(groupForConsume(request.header.group)))
      deps.turns.release('flushed', (failure) => {
        if (failure === undefined) request.respond({ code: ResponseCode.SUCCESS, body })
        else
          request.respond({
            code: ResponseCode.SERVICE_NOT_AVAILABLE,
            remark: `the group may be stored all the same: ${failure.message}`,
          })
      })
    },
  }
}
