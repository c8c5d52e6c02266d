// rmq topic create: on every broker of the scope, or on none where one of them has another topic of the name.
import {
  checkTopicName,
  MESSAGE_TYPE_ATTRIBUTE,
  type MessageType,
  MqError,
  SHARDING_QUEUES_ATTRIBUTE,
  shardingQueuesText,
  Perm,
  sameTopicConfig,
  type TopicConfig,
  topicConfig,
  topicDedup,
  topicMessageType,
} from '@rocketmq-ts/model'
import { formatDuration } from '@rocketmq-ts/config'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import type { BrokerAddress, Scope, Session } from '../session.ts'
import { askAll } from './ask-all.ts'
import {
  DEDUP_WORDS,
  dedupAttributes,
  type DedupFlags,
  dedupText,
  shardingQueuesOf,
  permText,
  queuesOf,
  retentionAttributes,
  type RetentionFlags,
  settingsText,
} from './topics.ts'

const QUEUES_DEFAULT = 4
/** Brokers tell nameservers of a change within some milliseconds. */
const ROUTE_WAIT_MS = 3000
const ROUTE_LOOK_MS = 50

export interface TopicCreateOptions extends Scope, RetentionFlags, DedupFlags {
  readonly queues?: number
  readonly type?: MessageType
  readonly perm?: number
  /** Of a FIFO topic: its message groups go to this broker no more. */
  readonly withoutBroker?: string
  /** Settings of an existing topic may change. */
  readonly update?: boolean
}

type Outcome = 'created' | 'changed' | 'unchanged'

type Answers = Awaited<ReturnType<typeof askAll<TopicConfig | undefined>>>['answers']

interface Plan {
  readonly config: TopicConfig
  readonly outcome: Outcome
}

export async function topicCreate(context: Context, options: TopicCreateOptions, topic: string): Promise<number> {
  checkName(topic)
  const { printer } = context
  const session = await context.session()
  const brokers = await session.masters(options)
  const looked = await askAll(context, brokers, (address) => session.brokers.topicConfig(address, topic))
  const planned = looked.answers.map(({ broker, value }) => [broker.brokerName, planOf(topic, value, options)] as const)
  const order = orderOf(looked.answers, new Map(planned), options)
  const plans = new Map(planned.map(([brokerName, plan]) => [brokerName, withOrder(plan, order, options)]))
  for (const { broker, value } of looked.answers) {
    if (plans.get(broker.brokerName)?.outcome === 'changed' && options.update !== true) throw conflict(broker, value)
  }
  const asked = looked.answers.map(({ broker }) => broker)
  const written = await askAll(context, asked, async (address, { brokerName }) => {
    const plan = plans.get(brokerName) as Plan
    if (plan.outcome !== 'unchanged') await session.brokers.createTopic(address, plan.config)
    return plan
  })
  const results = written.answers.map(({ broker, value: { outcome, config } }) => ({
    brokerName: broker.brokerName,
    address: broker.address,
    outcome,
    queues: queuesOf(config),
    type: topicMessageType(config),
    perm: permText(config.perm),
  }))
  const isRouted = await untilRouted(session, topic, written.answers)
  if (printer.isJson) printer.document({ topic, brokers: results })
  else {
    for (const { broker, value } of written.answers) {
      printer.line(`Topic ${topic} ${VERBS[value.outcome]} ${broker.brokerName}: ${settingsText(value.config)}.`)
    }
  }
  const scope = dedupScope(written.answers.map(({ value }) => value.config))
  if (scope !== undefined && !printer.isJson) printer.line(scope)
  if (!isRouted) printer.warning(`no nameserver names topic ${topic} yet; its brokers tell them within 30 s`)
  return looked.failed || written.failed ? ExitCode.FAILED : ExitCode.OK
}

const VERBS: Readonly<Record<Outcome, string>> = {
  created: 'created on',
  changed: 'changed on',
  unchanged: 'is already on',
}

function checkName(topic: string): void {
  try {
    checkTopicName(topic)
  } catch (error) {
    throw error instanceof MqError ? new CliFailure('usage', error.message) : error
  }
}

/** Without a setting given, an existing topic keeps its own. */
function planOf(topic: string, existing: TopicConfig | undefined, options: TopicCreateOptions): Plan {
  const { queues, perm, type } = options
  const retention = retentionAttributes(options)
  const dedup = dedupAttributes(options)
  if (existing === undefined) {
    const count = queues ?? QUEUES_DEFAULT
    const attributes = new Map([[MESSAGE_TYPE_ATTRIBUTE, type ?? 'NORMAL'], ...retention, ...dedup])
    const changes = { readQueueNums: count, writeQueueNums: count, perm: perm ?? Perm.READ_WRITE, attributes }
    return { config: topicConfig(topic, changes), outcome: 'created' }
  }
  const config: TopicConfig = {
    ...existing,
    ...(queues !== undefined && { readQueueNums: queues, writeQueueNums: queues }),
    ...(perm !== undefined && { perm }),
    attributes: new Map([
      ...existing.attributes,
      ...(type !== undefined && type !== topicMessageType(existing) ? [[MESSAGE_TYPE_ATTRIBUTE, type] as const] : []),
      ...[...retention].filter(([name, value]) => value !== (existing.attributes.get(name) ?? '-1')),
      ...dedup,
    ]),
  }
  return { config, outcome: sameTopicConfig(config, existing) ? 'unchanged' : 'changed' }
}

/**
 * Where the message groups of a FIFO topic go, as all of its brokers are told; undefined: as it is. Brokers that are away
 * keep their share; `--without-broker` takes it from one. With `--broker` nothing changes: all brokers are to say the same.
 */
function orderOf(
  answers: Answers,
  plans: ReadonlyMap<string, Plan>,
  { broker: only, withoutBroker }: TopicCreateOptions,
): string | undefined {
  if (only !== undefined) return undefined
  const shares = new Map<string, number>()
  for (const { value } of answers) {
    if (value === undefined) continue
    for (const { brokerName, queues } of shardingQueuesOf(value) ?? []) shares.set(brokerName, queues)
  }
  for (const { broker } of answers) {
    const config = plans.get(broker.brokerName)?.config
    if (config !== undefined && config.writeQueueNums > 0) shares.set(broker.brokerName, config.writeQueueNums)
  }
  if (withoutBroker !== undefined && !shares.delete(withoutBroker)) {
    throw new CliFailure(
      'parameter-invalid',
      `--without-broker: no message group goes to broker '${withoutBroker}'`,
      `They go to ${[...shares.keys()].join(', ')}.`,
    )
  }
  return shardingQueuesText(Array.from(shares, ([brokerName, queues]) => ({ brokerName, queues })))
}

/** A topic that is there already, as it was made before there was such an order, gets one when it is updated. */
function withOrder(plan: Plan, order: string | undefined, { update = false }: TopicCreateOptions): Plan {
  const { config, outcome } = plan
  const isKept = outcome !== 'created' && !update && !config.attributes.has(SHARDING_QUEUES_ATTRIBUTE)
  const isSharded = topicMessageType(config) === 'FIFO' || dedupText(config) !== ''
  if (order === undefined || isKept || !isSharded) return plan
  if (config.attributes.get(SHARDING_QUEUES_ATTRIBUTE) === order) return plan
  const attributes = new Map([...config.attributes, [SHARDING_QUEUES_ATTRIBUTE, order]])
  return { config: { ...config, attributes }, outcome: outcome === 'created' ? outcome : 'changed' }
}

/** What deduplication means here, and what it does not; undefined where the topic takes everything. */
function dedupScope(configs: readonly TopicConfig[]): string | undefined {
  const [config] = configs.filter((each) => dedupText(each) !== '')
  const dedup = config === undefined ? undefined : topicDedup(config)
  if (config === undefined || dedup === undefined) return undefined
  const word = DEDUP_WORDS[dedup.by]
  const window = formatDuration(dedup.windowMs)
  const groups = topicMessageType(config) === 'FIFO' ? ' of one message group' : ''
  return (
    `A message with a ${word} that was stored in the last ${window} is not stored again: its sender is told where the ` +
    `first one is.\nThis holds for messages${groups} of this topic, also after a restart; while the broker of a ${word} is ` +
    `away, its sends fail. Messages without a ${word} are stored each time.`
  )
}

function conflict({ brokerName }: BrokerAddress, existing: TopicConfig | undefined): CliFailure {
  const config = existing as TopicConfig
  return new CliFailure(
    'parameter-invalid',
    `topic '${config.topicName}' is on ${brokerName} already with other settings: ${settingsText(config)}`,
    'Nothing was changed. Add --update to change it.',
  )
}

/** True once the route names all the brokers, so that the next command finds the topic. */
async function untilRouted(
  session: Session,
  topic: string,
  places: readonly { readonly broker: BrokerAddress }[],
): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < ROUTE_WAIT_MS; waitedMs += ROUTE_LOOK_MS) {
    const route = await session.route(topic)
    const routed = new Set(route?.queueDatas.map(({ brokerName }) => brokerName))
    if (places.every(({ broker }) => routed.has(broker.brokerName))) return true
    await session.sleep(ROUTE_LOOK_MS)
  }
  return false
}
