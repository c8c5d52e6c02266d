// rmq group create: on every broker of the scope, or on none where one of them has another group of the name.
import {
  checkGroupName,
  MqError,
  stringifyJavaJson,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
} from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import type { Scope } from '../session.ts'
import { askAll } from './ask-all.ts'
import { attemptsText, findGroup, orderText } from './groups.ts'

export interface GroupCreateOptions extends Scope {
  readonly maxAttempts?: number
  readonly fifo?: boolean
  /** Settings of an existing group may change. */
  readonly update?: boolean
}

interface Plan {
  readonly config: SubscriptionGroupConfig
  readonly outcome: 'created' | 'changed' | 'unchanged'
}

export async function groupCreate(context: Context, options: GroupCreateOptions, group: string): Promise<number> {
  checkName(group)
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const looked = await findGroup(context, brokers, group)
  const plans = new Map(looked.answers.map(({ broker, value }) => [broker.brokerName, planOf(group, value, options)]))
  for (const { broker, value } of looked.answers) {
    if (value === undefined || plans.get(broker.brokerName)?.outcome !== 'changed' || options.update === true) continue
    throw new CliFailure(
      'parameter-invalid',
      `group '${group}' is on ${broker.brokerName} already with other settings: ${settingsText(value)}`,
      'Nothing was changed. Add --update to change it.',
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
  return `at most ${attemptsText(config)} attempts, ${orderText(config)}`
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
    ...(options.fifo !== undefined && { consumeMessageOrderly: options.fifo }),
  }
  if (existing === undefined) return { config, outcome: 'created' }
  return { config, outcome: stringifyJavaJson(config) === stringifyJavaJson(existing) ? 'unchanged' : 'changed' }
}
