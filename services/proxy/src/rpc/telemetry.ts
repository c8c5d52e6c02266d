// Telemetry: clients say what they are, the proxy answers with what they shall work with. The stream stays open as
// long as the client likes; its end changes nothing, since settings belong to the client id. Java: ClientActivity.
import type { FilterCache } from '@rocketmq-ts/filter'
import { type Bidirectional, type GrpcCall, type GrpcMethod, GrpcStatus } from '@rocketmq-ts/grpc'
import {
  ClientType,
  Code,
  durationToMs,
  FilterType,
  Language,
  type Settings,
  type SettingsInit,
  type StatusInit,
  type SubscriptionEntry,
  TelemetryCommand,
  type TelemetryCommandInit,
} from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import { type ClientSubscription, formatAddress } from '@rocketmq-ts/remoting'
import type { Logger, Scheduler } from '@rocketmq-ts/runtime'
import { type ProxyEvent, reasonOf } from '../events.ts'
import type { Groups } from '../messaging/groups.ts'
import type { Client, Clients } from '../sessions/clients.ts'
import type { ClientCommands } from '../sessions/commands.ts'
import type { Producers } from '../sessions/producers.ts'
import {
  publishingReply,
  type PublishingLimits,
  type SubscriptionLimits,
  subscriptionReply,
} from '../sessions/settings-reply.ts'
import { isDefect, OK, refusal, type Refusal, statusOf } from '../status.ts'
import { checkGroup, checkTopic } from '../validators.ts'
import { type Access, type Gate, group as groupAccess, pub, sub } from './access.ts'
import { checkClientType } from './client-type.ts'
import { filterOf } from './filter-expression.ts'
import { checkClientId, clientIdOf } from './method.ts'

/** Settings of one stream waiting for their answer. A client sends one, then one every few minutes. */
const WAITING_MAX = 16
const TOPICS_MAX = 4096
/** The Node client with several topics drops settings that arrive while it still asks for routes: it gets them again. */
const SAY_AGAIN_AFTER_MS = [50, 300, 1500]

export interface TelemetryDeps {
  readonly clients: Clients
  readonly groups: Groups
  readonly commands: Pick<ClientCommands, 'heard'>
  readonly producers: Pick<Producers, 'put'>
  readonly filters: FilterCache
  readonly gate: Gate
  readonly scheduler: Scheduler
  readonly log: Logger<ProxyEvent>
  /** The streams that are open: a stop ends them in order, since some clients break on a failed stream. */
  readonly telemetryStreams: Set<GrpcCall>
  /** From now on streams end as soon as they are opened. */
  readonly isStopping: () => boolean
  readonly publishing: PublishingLimits
  readonly subscription: SubscriptionLimits
}

export function createTelemetry(deps: TelemetryDeps): GrpcMethod {
  const { clients, commands, groups, producers, filters, gate, scheduler, log, telemetryStreams } = deps

  const open: Bidirectional = (call) => {
    const clientId = clientIdOf(call)
    const push = (command: TelemetryCommandInit): boolean => {
      if (call.signal.aborted) return false
      return call.write(TelemetryCommand.encode({ status: OK, ...command }))
    }
    let waiting = 0
    let last = Promise.resolve()
    /** What the client said last. */
    let latest: Settings | undefined
    /** It waits its turn behind what the client sends. */
    let isTelling = false
    /** The newest settings, while they are said again. */
    let again: SettingsInit | undefined

    function finish(status: GrpcStatus, detail?: string): void {
      forget()
      call.finish(status, detail)
    }

    function turnAway(status: StatusInit): void {
      call.write(TelemetryCommand.encode({ status }))
      finish(GrpcStatus.OK)
    }

    async function negotiate(settings: Settings): Promise<void> {
      const illegal = checkSettings(settings, filters)
      if (illegal !== undefined) {
        // Some clients look at the status, others at how the stream ends.
        call.write(TelemetryCommand.encode({ status: illegal }))
        finish(GrpcStatus.INVALID_ARGUMENT, illegal.message)
        return
      }
      const no =
        checkClientType(settings.clientType ?? ClientType.CLIENT_TYPE_UNSPECIFIED, 'client_type') ??
        gate.authorize(gate.identify(call.metadata), accessOf, settings)
      if (no !== undefined) return turnAway(no)
      const client = clients.see(clientId, call)
      if (client === undefined) return turnAway(refusal(Code.TOO_MANY_REQUESTS, 'too many clients: try again later'))
      const first = client.push !== push
      const reply = await replyTo(settings)
      register(client, settings, producers)
      client.address = formatAddress(call.remoteAddress)
      latest = settings
      if (telemetryStreams.has(call)) {
        client.push = push
        client.tellSettings = tellSettings
      }
      clients.changed(client)
      if (client.push !== push) return
      // Who does not read its answers gets no further ones: what it sends meanwhile waits, and is refused at the bound.
      if (!push({ settings: reply })) await call.drained()
      if (first && mayMissSettings(settings)) sayAgain(client, reply)
      else if (again !== undefined) again = reply
    }

    async function tellNow(): Promise<void> {
      isTelling = false
      if (latest === undefined || clients.find(clientId)?.push !== push) return
      const settings = await replyTo(latest)
      if (again !== undefined) again = settings
      if (!push({ settings })) await call.drained()
    }

    function tellSettings(): void {
      if (isTelling) return
      isTelling = true
      last = last.then(tellNow)
    }

    function sayAgain(client: Client, reply: SettingsInit): void {
      again = reply
      for (const [index, delayMs] of SAY_AGAIN_AFTER_MS.entries()) {
        scheduler.after(delayMs, () => {
          if (client.push === push && again !== undefined) push({ settings: again })
          if (index === SAY_AGAIN_AFTER_MS.length - 1) again = undefined
        })
      }
    }

    async function replyTo(settings: Settings): Promise<SettingsInit> {
      const { subscription } = settings
      if (subscription === null) return publishingReply(settings, deps.publishing)
      const topic = subscription.subscriptions[0]?.topic?.name ?? ''
      const group = await groups.settings(subscription.group?.name ?? '', topic)
      return subscriptionReply(settings, group, deps.subscription)
    }

    function decode(bytes: Uint8Array): TelemetryCommand | undefined {
      try {
        return TelemetryCommand.decode(bytes)
      } catch (error) {
        if (!(error instanceof MqError)) throw error
        log.warn({ event: 'rpc.malformed', method: 'Telemetry', clientId, reason: error.message })
        finish(GrpcStatus.INVALID_ARGUMENT, error.message)
        return undefined
      }
    }

    function take(settings: Settings): void {
      if (waiting >= WAITING_MAX) {
        turnAway(refusal(Code.TOO_MANY_REQUESTS, `settings: ${WAITING_MAX} are waiting for an answer already`))
        return
      }
      waiting += 1
      last = last
        .then(() => negotiate(settings))
        .catch((error: unknown) => {
          if (isDefect(error)) log.error({ event: 'rpc.defect', method: 'Telemetry', error: reasonOf(error) })
          finish(GrpcStatus.INTERNAL, statusOf(error).message)
        })
        .finally(() => {
          waiting -= 1
        })
    }

    function forget(): void {
      telemetryStreams.delete(call)
      const client = clients.find(clientId)
      if (client?.push !== push) return
      client.push = undefined
      client.tellSettings = undefined
      clients.changed(client)
    }

    call.signal.addEventListener('abort', forget, { once: true })
    telemetryStreams.add(call)
    const stranger = checkClientId(call)
    const isOver = stranger !== undefined || deps.isStopping()
    if (stranger !== undefined) turnAway(stranger)
    else if (isOver) finish(GrpcStatus.OK)
    return {
      message(bytes) {
        if (isOver) return
        const command = decode(bytes)
        if (command?.settings) take(command.settings)
        else if (command !== undefined) commands.heard(clientId, command)
      },
      end() {
        void last.then(() => finish(GrpcStatus.OK))
      },
    }
  }
  return { kind: 'bidirectional', handle: open }
}

function register(client: Client, settings: Settings, producers: Pick<Producers, 'put'>): void {
  if (settings.clientType !== null) client.clientType = settings.clientType
  client.group = settings.subscription?.group?.name ?? ''
  client.topics = settings.publishing?.topics.map(({ name }) => name) ?? []
  client.subscriptions = settings.subscription?.subscriptions.map(subscriptionOf) ?? []
  producers.put(client, client.topics)
  const { language = Language.LANGUAGE_UNSPECIFIED, version = '' } = settings.userAgent ?? {}
  if (language !== Language.LANGUAGE_UNSPECIFIED) client.language = LANGUAGES.get(language) ?? client.language
  if (version !== '') client.version = version
  client.requestTimeoutMs = settings.requestTimeout === null ? undefined : durationToMs(settings.requestTimeout)
}

/** Their names on the wire. */
const LANGUAGES: ReadonlyMap<number, string> = new Map(Object.entries(Language).map(([name, value]) => [value, name]))

function subscriptionOf({ topic, expression }: SubscriptionEntry): ClientSubscription {
  return {
    topic: topic?.name ?? '',
    type: expression?.type === FilterType.SQL ? 'SQL92' : 'TAG',
    expression: expression?.expression ?? '*',
  }
}

function checkSettings({ publishing, subscription }: Settings, filters: FilterCache): Refusal | undefined {
  if (publishing === null && subscription === null) {
    return refusal(Code.BAD_REQUEST, 'settings: neither publishing nor subscription is set')
  }
  const topics = publishing?.topics ?? subscription?.subscriptions.map(({ topic }) => topic) ?? []
  if (topics.length > TOPICS_MAX) {
    return refusal(Code.BAD_REQUEST, `settings: ${topics.length} topics, at most ${TOPICS_MAX} are allowed`)
  }
  const illegalGroup = subscription === null ? undefined : checkGroup(subscription.group, 'subscription.group')
  if (illegalGroup !== undefined) return illegalGroup
  for (const topic of topics) {
    const illegal = checkTopic(topic, 'settings.topics')
    if (illegal !== undefined) return illegal
  }
  for (const { topic, expression } of subscription?.subscriptions ?? []) {
    const filter = filterOf(expression, filters, `settings.subscriptions of '${topic?.name}', expression`)
    if ('code' in filter) return filter
  }
  return undefined
}

function accessOf({ publishing, subscription }: Settings): readonly Access[] {
  if (subscription === null) return publishing?.topics.map(({ name }) => pub(name)) ?? []
  const topics = subscription.subscriptions.map(({ topic }) => sub(topic?.name))
  return [groupAccess(subscription.group?.name), ...topics]
}

function mayMissSettings({ userAgent, publishing, subscription }: Settings): boolean {
  const topics = publishing?.topics.length ?? subscription?.subscriptions.length ?? 0
  return userAgent?.language === Language.NODE_JS && topics > 1
}
