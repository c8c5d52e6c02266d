// A whole proxy in memory: fake brokers behind it, gRPC without sockets before it, time in the test's hand.
import { parseConfig, readFlags } from '@rocketmq-ts/config'
import { createMemoryGrpc, type GrpcStatus, type MemoryGrpcClient } from '@rocketmq-ts/grpc'
import {
  AddressScheme,
  Encoding,
  type MessageInit,
  MessagingService,
  msToDuration,
  ReceiveMessageRequest,
  type ReceiveMessageRequestInit,
  ReceiveMessageResponse,
  type SettingsInit,
  TelemetryCommand,
} from '@rocketmq-ts/grpc/v2'
import { createProxy, type Proxy, proxyConfig, type ProxyDeps, type ProxyEvent } from '@rocketmq-ts/proxy'
import type { Logger } from '@rocketmq-ts/runtime'
import { createManualEffects, type ManualEffects } from '@rocketmq-ts/testkit'
import { createFakeUpstream, type FakeUpstream, routeOf } from './fake-upstream.ts'

export const TOPIC = { resourceNamespace: '', name: 'Orders' }
export const GROUP = { resourceNamespace: '', name: 'billing' }
export const ENDPOINTS = { scheme: AddressScheme.DOMAIN_NAME, addresses: [{ host: 'proxy.example', port: 18081 }] }

export interface CallOptions {
  /** null: no header. */
  readonly clientId?: string | null
  readonly timeoutMs?: number
}

/** What a stream brought so far. */
export interface Stream<Frame> {
  readonly frames: Frame[]
  status: GrpcStatus | undefined
  detail: string
  cancel(): void
  pause(): void
  resume(): void
}

export interface TelemetryStream extends Stream<TelemetryCommand> {
  headers: boolean
  send(command: Parameters<typeof TelemetryCommand.encode>[0]): void
  sendBytes(bytes: Uint8Array): void
  halfClose(): void
}

interface Method<Answer, Init> {
  readonly path: string
  readonly request: { encode(init: Init): Uint8Array }
  readonly response: { decode(bytes: Uint8Array): Answer }
}

export interface Harness {
  readonly time: ManualEffects
  readonly upstream: FakeUpstream
  readonly proxy: Proxy
  readonly client: MemoryGrpcClient
  readonly events: ProxyEvent[]
  /** Asks; the answer comes while the test lets things happen. */
  ask<Answer, Init>(method: Method<Answer, Init>, request: Init, options?: CallOptions): Promise<Answer>
  /** Asks, lets everything happen that needs no time, and gives the answer. */
  call<Answer, Init>(method: Method<Answer, Init>, request: Init, options?: CallOptions): Promise<Answer>
  receive(request?: ReceiveMessageRequestInit, options?: CallOptions): Stream<ReceiveMessageResponse>
  telemetry(options?: CallOptions): TelemetryStream
  /** Says the settings on a new stream and waits for the answer. */
  settle(settings: SettingsInit, options?: CallOptions): Promise<TelemetryStream>
}

export async function createHarness(
  flags: Readonly<Record<string, string>> = {},
  deps: Partial<ProxyDeps> = {},
): Promise<Harness> {
  const argv = Object.entries(flags).map(([name, text]) => `--${name}=${text}`)
  const parsed = parseConfig(proxyConfig, { flags: readFlags(proxyConfig, argv) })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  const time = createManualEffects()
  const upstream = createFakeUpstream(time.clock, time.scheduler)
  upstream.routes.set(TOPIC.name, routeOf(TOPIC.name))
  const events: ProxyEvent[] = []
  const note = (event: ProxyEvent) => void events.push(event)
  const logger: Logger<ProxyEvent> = { debug: note, info: note, warn: note, error: note }
  const grpc = createMemoryGrpc({ clock: time.clock, scheduler: time.scheduler, requestBytesMax: 64 * 1024 * 1024 })
  const random = { fraction: () => 0, integer: () => 0, bytes: (length: number) => new Uint8Array(length) }
  const proxy = createProxy(parsed.config, {
    clock: time.clock,
    scheduler: time.scheduler,
    random,
    network: time.network,
    logger,
    transport: grpc.transport,
    upstream,
    ...deps,
  })
  await proxy.start()
  const client = grpc.connect()

  function optionsOf({ clientId = 'client-1', timeoutMs }: CallOptions = {}) {
    const metadata = new Map(clientId === null ? [] : [['x-mq-client-id', clientId]])
    return timeoutMs === undefined ? { metadata } : { metadata, timeoutMs }
  }

  function streamOf<Frame>(decode: (bytes: Uint8Array) => Frame) {
    const stream = {
      frames: [] as Frame[],
      status: undefined as GrpcStatus | undefined,
      detail: '',
      headers: false,
      cancel() {},
      pause() {},
      resume() {},
    }
    const handler = {
      headers() {
        stream.headers = true
      },
      message: (bytes: Uint8Array) => void stream.frames.push(decode(bytes)),
      end(status: GrpcStatus, detail: string) {
        stream.status = status
        stream.detail = detail
      },
    }
    return { stream, handler }
  }

  const harness: Harness = {
    time,
    upstream,
    proxy,
    client,
    events,
    async ask(method, request, options) {
      const answer = await client.unary(method.path, method.request.encode(request), optionsOf(options))
      if (answer.message === undefined) throw new Error(`gRPC status ${answer.status}: ${answer.detail}`)
      return method.response.decode(answer.message)
    },
    async call(method, request, options) {
      const answering = harness.ask(method, request, options)
      await time.settle()
      return answering
    },
    receive(request = {}, options = {}) {
      const { stream, handler } = streamOf((bytes) => ReceiveMessageResponse.decode(bytes))
      const bytes = ReceiveMessageRequest.encode({ ...receiveRequest(), ...request })
      const { path } = MessagingService.ReceiveMessage
      const call = client.serverStreaming(path, bytes, handler, optionsOf({ timeoutMs: 23_000, ...options }))
      return Object.assign(stream, { cancel: call.cancel, pause: call.pause, resume: call.resume })
    },
    telemetry(options) {
      const { stream, handler } = streamOf((bytes) => TelemetryCommand.decode(bytes))
      const call = client.bidirectional(MessagingService.Telemetry.path, handler, optionsOf(options))
      return Object.assign(stream, {
        cancel: call.cancel,
        pause: call.pause,
        resume: call.resume,
        send: (command: Parameters<typeof TelemetryCommand.encode>[0]) => call.write(TelemetryCommand.encode(command)),
        sendBytes: (bytes: Uint8Array) => call.write(bytes),
        halfClose: call.halfClose,
      })
    },
    async settle(settings, options) {
      const stream = harness.telemetry(options)
      stream.send({ settings })
      await time.settle()
      return stream
    },
  }
  return harness
}

/** A message that every check lets through. */
export function message(changes: MessageInit = {}): MessageInit {
  return {
    topic: TOPIC,
    userProperties: { color: 'red' },
    body: Buffer.from('hello'),
    ...changes,
    systemProperties: {
      messageId: 'MSG-1',
      tag: 'TagA',
      keys: ['order-1', 'order-2'],
      bodyEncoding: Encoding.IDENTITY,
      bornTimestamp: { seconds: 1_700_000_000, nanos: 5_000_000 },
      bornHost: 'laptop',
      ...changes.systemProperties,
    },
  }
}

export function receiveRequest(): ReceiveMessageRequestInit {
  return {
    group: GROUP,
    messageQueue: { topic: TOPIC, id: 0, broker: { name: 'broker-a' } },
    batchSize: 32,
    invisibleDuration: msToDuration(30_000),
    longPollingTimeout: msToDuration(20_000),
  }
}
