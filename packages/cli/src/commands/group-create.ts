// rmq group create and update: on every broker of the scope. A creation changes nothing where one of them has another group
// of the name; an update changes groups that are there.
import {
  checkGroupName,
  MqError,
  ORDER_UNIT_ATTRIBUTE,
  type OrderUnit,
  stringifyJavaJson,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
} from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import type { Scope } from '../session.ts'
import { askAll } from './ask-all.ts'
import { attemptsText, findGroup, noSuchGroup, orderText, placesOf, retryText } from './groups.ts'
import { readRetryPolicy } from './retry-policy.ts'

export interface GroupCreateOptions extends Scope {
  readonly maxAttempts?: number
  /** Deliver in order. */
  readonly order?: boolean
  /** What has an order. */
  readonly orderBy?: OrderUnit
  /** See `readRetryPolicy`. */
  readonly retryPolicy?: string
  readonly consumeEnable?: boolean
}

interface Plan {
  readonly config: SubscriptionGroupConfig
  readonly outcome: 'created' | 'changed' | 'unchanged'
}

export function groupCreate(context: Context, options: GroupCreateOptions, group: string): Promise<number> {
  return putGroup(context, options, group, 'create')
}

export function groupUpdate(context: Context, options: GroupCreateOptions, group: string): Promise<number> {
  return putGroup(context, options, group, 'update')
}

async function putGroup(
  context: Context,
  options: GroupCreateOptions,
  group: string,
  verb: 'create' | 'update',
): Promise<number> {
  checkName(group)
  if (options.order === false && options.orderBy !== undefined) {
    throw new CliFailure('usage', '--no-order and --order-by exclude each other')
  }
  if (options.retryPolicy !== undefined) readRetryPolicy(options.retryPolicy)
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const looked = await findGroup(context, brokers, group)
  const plans = new Map(looked.answers.map(({ broker, value }) => [broker.brokerName, planOf(group, value, options)]))
  if (verb === 'update' && placesOf(looked).length === 0) throw noSuchGroup(group)
  for (const { broker, value } of looked.answers) {
    if (value === undefined || plans.get(broker.brokerName)?.outcome !== 'changed' || verb === 'update') continue
    throw new CliFailure(
      'parameter-invalid',
      `group '${group}' is on ${broker.brokerName} already with other settings: ${settingsText(value)}`,
      `Nothing was changed. To change it: rmq group update ${group}`,
    )
  }
  const asked = looked.answers.map(({ broker }) => broker)
  const written = await askAll(context, asked, async (address, { brokerName }) => {
    const plan = plans.get(brokerName) as Plan
    if (plan.outcome !== 'unchanged') await session.brokers.createSubscriptionGroup(address, plan.config)
    return plan
  })
  if (printer.isJson) {
    printer.document({
      group,
      brokers: written.answers.map(({ broker: { brokerName, address }, value: { config, outcome } }) => ({
        brokerName,
        address,
        outcome,
        maxAttempts: config.retryMaxTimes < 0 ? null : config.retryMaxTimes + 1,
        order: orderText(config),
        retryPolicy: config.groupRetryPolicy,
        enabled: config.consumeEnable,
      })),
    })
  } else {
    for (const { broker, value } of written.answers) {
      printer.line(`Group ${group} ${VERBS[value.outcome]} ${broker.brokerName}: ${settingsText(value.config)}.`)
    }
  }
  return looked.failed || written.failed ? ExitCode.FAILED : ExitCode.OK
}

const VERBS = { created: 'created on', changed: 'changed on', unchanged: 'is already on' } as const

function settingsText(config: SubscriptionGroupConfig): string {
  const isDefault = config.groupRetryPolicy.type === 'CUSTOMIZED' && !config.groupRetryPolicy.customizedRetryPolicy
  return [
    `at most ${attemptsText(config)} attempts`,
    orderText(config),
    ...(isDefault ? [] : [`retries after ${retryText(config)}`]),
    ...(config.consumeEnable ? [] : ['switched off']),
  ].join(', ')
}

function checkName(group: string): void {
  try {
    checkGroupName(group)
  } catch (error) {
    throw error instanceof MqError ? new CliFailure('usage', error.message) : error
  }
}

/** Without a setting given, an existing group keeps its own. */
function planOf(group: string, existing: SubscriptionGroupConfig | undefined, options: GroupCreateOptions): Plan {
  const config = {
    ...(existing ?? subscriptionGroupConfig(group)),
    ...(options.maxAttempts !== undefined && { retryMaxTimes: options.maxAttempts - 1 }),
    ...(options.retryPolicy !== undefined && { groupRetryPolicy: readRetryPolicy(options.retryPolicy) }),
    ...(options.consumeEnable !== undefined && { consumeEnable: options.consumeEnable }),
    ...(options.order !== undefined && { consumeMessageOrderly: options.order }),
    ...(options.orderBy !== undefined && {
      consumeMessageOrderly: true,
      attributes: new Map(existing?.attributes).set(ORDER_UNIT_ATTRIBUTE, options.orderBy),
    }),
  }
  if (existing === undefined) return { config, outcome: 'created' }
  return { config, outcome: stringifyJavaJson(config) === stringifyJavaJson(existing) ? 'unchanged' : 'changed' }
}
