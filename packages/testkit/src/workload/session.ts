// A client as the official SDKs behave towards proxies: an id in every call, a telemetry stream that is opened again
// when it ends, heartbeats, calls with deadlines, and another proxy when one does not answer.
import { GrpcStatus } from '@rocketmq-ts/grpc'
import {
  AddressScheme,
  type ClientType,
  Code,
  type EndpointsInit,
  Language,
  type Message,
  MessagingService,
  type ReceiveMessageRequestInit,
  ReceiveMessageResponse,
  type ResourceInit,
  type SettingsInit,
  TelemetryCommand,
} from '@rocketmq-ts/grpc/v2'
import type { Effects } from '@rocketmq-ts/runtime'
import type { ProxyChannel } from '../cluster/proxy-channel.ts'
import type { Prng, World } from '../sim/index.ts'
import type { History } from './history.ts'

/** Java: ClientConfiguration.requestTimeout. */
export const REQUEST_TIMEOUT_MS = 3000
const HEARTBEAT_PERIOD_MS = 10_000
const TELEMETRY_AGAIN_MS = 1000

export const ENDPOINTS: EndpointsInit = {
  scheme: AddressScheme.DOMAIN_NAME,
  addresses: [{ host: 'proxies', port: 8081 }],
}

export function resource(name: string): ResourceInit {
  return { resourceNamespace: '', name }
}

interface Method<Answer, Init> {
  readonly path: string
  readonly request: { encode(init: Init): Uint8Array }
  readonly response: { decode(bytes: Uint8Array): Answer }
}

/** What all clients of a run share. */
export interface ClientContext {
  readonly world: World
  readonly effects: Pick<Effects, 'clock' | 'scheduler'>
  readonly random: Prng
  readonly history: History
  readonly mood: Mood
}

/** How clients behave now. */
export interface Mood {
  /** Consumers leave some messages unacknowledged, or acknowledge them too late. */
  careless: boolean
  /** Everything ends. */
  stopped: boolean
}

export interface Received {
  /** `undefined`: the stream did not end in order. */
  readonly code: Code | undefined
  readonly messages: readonly Message[]
}

export interface SessionOptions {
  readonly clientId: string
  readonly clientType: ClientType
  readonly channels: readonly ProxyChannel[]
  /** The channel it begins with. */
  readonly preferred: number
  readonly group: string | undefined
  readonly settings: SettingsInit
}

export class Session {
  readonly context: ClientContext
  readonly #options: SessionOptions
  readonly #metadata: ReadonlyMap<string, string>
  #preferred: number
  /** The proxy's answer to the settings. */
  #settingsSeen = 0

  constructor(context: ClientContext, options: SessionOptions) {
    this.context = context
    this.#options = options
    this.#preferred = options.preferred % options.channels.length
    this.#metadata = new Map([['x-mq-client-id', options.clientId]])
    for (const channel of options.channels) {
      this.#telemetry(channel)
      this.#beat(channel)
    }
  }

  get clientId(): string {
    return this.#options.clientId
  }

  get settingsSeen(): number {
    return this.#settingsSeen
  }

  /** The proxy to turn to now. */
  get channel(): ProxyChannel {
    return this.#options.channels[this.#preferred] as ProxyChannel
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.context.effects.scheduler.after(ms, resolve))
  }

  /** The answer, or undefined where none came. */
  async ask<Answer, Init>(
    method: Method<Answer, Init>,
    request: Init,
    channel: ProxyChannel = this.channel,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<Answer | undefined> {
    const options = { metadata: this.#metadata, timeoutMs }
    const answer = await channel.unary(method.path, method.request.encode(request), options)
    if (answer.message !== undefined) return method.response.decode(answer.message)
    this.#turnFrom(channel)
    return undefined
  }

  receive(request: ReceiveMessageRequestInit, channel: ProxyChannel, timeoutMs: number): Promise<Received> {
    const messages: Message[] = []
    let code: Code | undefined
    return new Promise((resolve) => {
      channel.serverStreaming(
        MessagingService.ReceiveMessage.path,
        MessagingService.ReceiveMessage.request.encode(request),
        {
          message(bytes) {
            const frame = ReceiveMessageResponse.decode(bytes)
            if (frame.status !== null) code = frame.status.code
            if (frame.message !== null) messages.push(frame.message)
          },
          end: (status) => {
            if (status !== GrpcStatus.OK) this.#turnFrom(channel)
            resolve({ code: status === GrpcStatus.OK ? code : undefined, messages })
          },
        },
        { metadata: this.#metadata, timeoutMs },
      )
    })
  }

  #turnFrom(channel: ProxyChannel): void {
    if (channel === this.channel) this.#preferred = (this.#preferred + 1) % this.#options.channels.length
  }

  #telemetry(channel: ProxyChannel): void {
    if (this.context.mood.stopped) return
    const stream = channel.bidirectional(
      MessagingService.Telemetry.path,
      {
        message: (bytes) => {
          if (TelemetryCommand.decode(bytes).settings !== null) this.#settingsSeen += 1
        },
        end: () => this.context.effects.scheduler.after(TELEMETRY_AGAIN_MS, () => this.#telemetry(channel)),
      },
      { metadata: this.#metadata },
    )
    stream?.write(TelemetryCommand.encode({ settings: this.#settings() }))
  }

  #settings(): SettingsInit {
    const { clientType, settings } = this.#options
    const userAgent = { language: Language.JAVA, version: '5.0.7', platform: 'simulated', hostname: 'clients' }
    return { clientType, accessPoint: ENDPOINTS, userAgent, requestTimeout: { seconds: 3, nanos: 0 }, ...settings }
  }

  #beat(channel: ProxyChannel): void {
    if (this.context.mood.stopped) return
    const { group, clientType } = this.#options
    const request = group === undefined ? { clientType } : { clientType, group: resource(group) }
    void this.ask(MessagingService.Heartbeat, request, channel)
    this.context.effects.scheduler.after(HEARTBEAT_PERIOD_MS, () => this.#beat(channel))
  }
}

/** The status code of an answer; undefined where there is none. */
export function codeOf(answer: { readonly status: { readonly code: Code } | null } | undefined): Code | undefined {
  return answer?.status?.code
}

export function isOk(answer: { readonly status: { readonly code: Code } | null } | undefined): boolean {
  return codeOf(answer) === Code.OK
}
