// A gRPC client over the .proto files that the official Node SDK ships: what the SDK says on the wire, without its
// pacing, so that one process can make a load.
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const SDK_FOLDER = dirname(createRequire(import.meta.url).resolve('rocketmq-client-nodejs/package.json'))
const SERVICE = 'apache.rocketmq.v2.MessagingService'
const RPC_MS_MAX = 5_000
/** As SDKs do. */
const HEARTBEAT_MS = 10_000
const OK = 'OK'
const NONE = 'MESSAGE_NOT_FOUND'

interface Status {
  readonly code: string
  readonly message: string
}

export interface RawMessage {
  readonly messageId: string
  readonly body: Buffer
  readonly queueId: number
  readonly queueOffset: number
  readonly deliveryAttempt: number
  readonly receiptHandle: string
}

/** What a message is beside its body: of a group in order, for later, or half a transaction; else a normal one. */
export type RawKind =
  | { readonly type: 'NORMAL' }
  | { readonly type: 'FIFO'; readonly messageGroup: string }
  | { readonly type: 'DELAY'; readonly deliveryMs: number }
  | { readonly type: 'TRANSACTION' }

export interface RawReceipt {
  readonly offset: number
  /** Of a half message. */
  readonly transactionId: string
  /** Of a delayed message. */
  readonly recallHandle: string
}

/** A half message, as its receipt or the question about it names it. */
export interface RawTransaction {
  readonly topic: string
  readonly messageId: string
  readonly transactionId: string
}

export interface ReceiveOptions {
  readonly topic: string
  readonly group: string
  /** Asks this broker for messages, as SDKs do; otherwise the proxy takes any. */
  readonly brokerName?: string
  readonly batchSize: number
  readonly invisibleMs: number
  readonly pollMs: number
}

export interface RawClient {
  /** Asks for the route: the server creates an unknown topic. */
  queryRoute(topic: string): Promise<void>
  /** Resolves with the queue offset. Rejects where the outcome is not OK, known or not. */
  send(topic: string, messageId: string, body: Buffer): Promise<number>
  /** The same for a message of any kind, with all that the receipt says. */
  sendAs(kind: RawKind, topic: string, messageId: string, body: Buffer): Promise<RawReceipt>
  /** The code of the answer. Rejects where the outcome is unknown. */
  recall(topic: string, recallHandle: string): Promise<string>
  /** The code of the answer. Rejects where the outcome is unknown. */
  endTransaction(half: RawTransaction, resolution: 'COMMIT' | 'ROLLBACK', isAsked: boolean): Promise<string>
  /**
   * A producer of the topic, until its stream ends, or for so long: it is asked about half messages, and decides. Resolves
   * with the number of questions.
   */
  answerQuestions(topic: string, forMs: number, decide: (half: RawTransaction, body: Buffer) => void): Promise<number>
  /** Resolves when the stream ended well; what came before a failure is left to the invisible time. */
  receive(options: ReceiveOptions): Promise<RawMessage[]>
  /** One code per message, in order. Rejects where the outcome is unknown. */
  ack(topic: string, group: string, messages: readonly RawMessage[]): Promise<string[]>
  close(): void
}

interface WireMessage {
  readonly body: Buffer
  readonly system_properties: {
    readonly message_id: string
    readonly queue_id: number
    readonly queue_offset: number
    readonly delivery_attempt: number
    readonly receipt_handle: string
  }
}

interface WireReceipt {
  readonly status: Status
  readonly offset: number
  readonly transaction_id: string
  readonly recall_handle: string
}

interface Question {
  readonly message: WireMessage
  readonly transaction_id: string
}

/** Also a timestamp, of milliseconds since 1970. */
function durationOf(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 }
}

function metadataOf(clientId: string): Metadata {
  const metadata = new Metadata()
  metadata.set('x-mq-client-id', clientId)
  metadata.set('x-mq-language', 'NODE_JS')
  metadata.set('x-mq-protocol', 'v2')
  metadata.set('x-mq-request-id', randomUUID())
  return metadata
}

function endpointsOf(addresses: readonly string[]): object {
  return {
    scheme: 'IPv4',
    addresses: addresses.map((address) => {
      const colon = address.lastIndexOf(':')
      return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
    }),
  }
}

function requireOk({ code, message }: Status): void {
  if (code !== OK) throw new Error(`${code}: ${message}`)
}

/**
 * Connects on first use, and again whenever the server comes back. `endpoints` is `host:port`, or several with
 * semicolons, of IPv4 addresses: then the first that can be reached.
 */
export function createRawClient(endpoints: string, clientId: string): RawClient {
  const addresses = endpoints.split(';')
  const protos = join(SDK_FOLDER, 'proto')
  const definition = loadSync('apache/rocketmq/v2/service.proto', {
    includeDirs: [protos],
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  })
  const methods = definition[SERVICE] as ServiceDefinition
  const client = new Client(
    addresses.length > 1 ? `ipv4:${addresses.join(',')}` : endpoints,
    credentials.createInsecure(),
    {
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
      'grpc.max_receive_message_length': -1,
    },
  )

  function methodOf(name: string): MethodDefinition<object, object> {
    const method = methods[name]
    if (method === undefined) throw new Error(`the SDK's service has no method ${name}`)
    return method
  }

  function call<Answer>(name: string, request: object, deadlineMs = RPC_MS_MAX): Promise<Answer> {
    const { path, requestSerialize, responseDeserialize } = methodOf(name)
    const options = { deadline: Date.now() + deadlineMs }
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadataOf(clientId),
        options,
        (error: ServiceError | null, answer?: object) => {
          if (error !== null) reject(error)
          else resolve(answer as Answer)
        },
      )
    })
  }

  async function sendAs(kind: RawKind, topic: string, messageId: string, body: Buffer): Promise<RawReceipt> {
    const system_properties = {
      message_id: messageId,
      message_type: kind.type,
      body_encoding: 'IDENTITY',
      ...(kind.type === 'FIFO' && { message_group: kind.messageGroup }),
      ...(kind.type === 'DELAY' && { delivery_timestamp: durationOf(kind.deliveryMs) }),
    }
    const request = { messages: [{ topic: { name: topic }, body, system_properties }] }
    const answer = await call<{ status: Status; entries: WireReceipt[] }>('SendMessage', request)
    requireOk(answer.status)
    const [entry] = answer.entries
    if (entry === undefined) throw new Error('SendMessage answered OK without an entry')
    requireOk(entry.status)
    return { offset: entry.offset, transactionId: entry.transaction_id, recallHandle: entry.recall_handle }
  }

  return {
    async queryRoute(topic) {
      const answer = await call<{ status: Status }>('QueryRoute', {
        topic: { name: topic },
        endpoints: endpointsOf(addresses),
      })
      requireOk(answer.status)
    },
    async send(topic, messageId, body) {
      return (await sendAs({ type: 'NORMAL' }, topic, messageId, body)).offset
    },
    sendAs,
    async recall(topic, recallHandle) {
      const request = { topic: { name: topic }, recall_handle: recallHandle }
      return (await call<{ status: Status }>('RecallMessage', request)).status.code
    },
    async endTransaction({ topic, messageId, transactionId }, resolution, isAsked) {
      const answer = await call<{ status: Status }>('EndTransaction', {
        topic: { name: topic },
        message_id: messageId,
        transaction_id: transactionId,
        resolution,
        source: isAsked ? 'SOURCE_SERVER_CHECK' : 'SOURCE_CLIENT',
      })
      return answer.status.code
    },
    answerQuestions(topic, forMs, decide) {
      const { path, requestSerialize, responseDeserialize } = methodOf('Telemetry')
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(clientId), {
        deadline: Date.now() + forMs,
      })
      const settings = {
        client_type: 'PRODUCER',
        publishing: { topics: [{ name: topic }] },
        user_agent: { language: 'NODE_JS', version: '5.0.0' },
      }
      stream.write({ settings })
      const heart = setInterval(
        () => void call('Heartbeat', { client_type: 'PRODUCER' }).catch(() => undefined),
        HEARTBEAT_MS,
      )
      let questions = 0
      return new Promise((resolve) => {
        function end(): void {
          clearInterval(heart)
          resolve(questions)
        }
        stream.on('data', (part: { command: string; recover_orphaned_transaction_command: Question }) => {
          if (part.command !== 'recover_orphaned_transaction_command') return
          const { message, transaction_id: transactionId } = part.recover_orphaned_transaction_command
          questions += 1
          decide({ topic, messageId: message.system_properties.message_id, transactionId }, message.body)
        })
        stream.on('error', end)
        stream.on('end', end)
      })
    },
    receive({ topic, group, brokerName = '', batchSize, invisibleMs, pollMs }) {
      const { path, requestSerialize, responseDeserialize } = methodOf('ReceiveMessage')
      const request = {
        group: { name: group },
        message_queue: { topic: { name: topic }, id: -1, broker: { name: brokerName } },
        filter_expression: { type: 'TAG', expression: '*' },
        batch_size: batchSize,
        invisible_duration: durationOf(invisibleMs),
        long_polling_timeout: durationOf(pollMs),
        auto_renew: false,
      }
      const stream = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadataOf(clientId),
        { deadline: Date.now() + pollMs + RPC_MS_MAX },
      )
      const messages: RawMessage[] = []
      let said: Status | undefined
      return new Promise((resolve, reject) => {
        stream.on('data', (part: { content: string; status: Status; message: WireMessage }) => {
          if (part.content === 'status') said = part.status
          if (part.content === 'message') messages.push(messageOf(part.message))
        })
        stream.on('error', reject)
        stream.on('end', () => {
          if (said !== undefined && (said.code === OK || said.code === NONE)) resolve(messages)
          else reject(new Error(said === undefined ? 'the stream ended without a status' : said.code))
        })
      })
    },
    async ack(topic, group, messages) {
      const answer = await call<{ status: Status; entries: { status: Status }[] }>('AckMessage', {
        topic: { name: topic },
        group: { name: group },
        entries: messages.map(({ messageId, receiptHandle }) => ({
          message_id: messageId,
          receipt_handle: receiptHandle,
        })),
      })
      if (answer.entries.length !== messages.length) throw new Error(`${answer.status.code}: ${answer.status.message}`)
      return answer.entries.map((entry) => entry.status.code)
    },
    close: () => client.close(),
  }
}

/** True where a call failed without leaving this process, in the words of grpc-js; the SDK passes its errors on. */
export function isNeverSent(error: unknown): boolean {
  const { code, details } = error as Partial<ServiceError>
  return code === status.UNAVAILABLE && /No connection established|ECONNREFUSED/.test(details ?? '')
}

function messageOf({ body, system_properties: system }: WireMessage): RawMessage {
  return {
    body,
    messageId: system.message_id,
    queueId: system.queue_id,
    queueOffset: system.queue_offset,
    deliveryAttempt: system.delivery_attempt,
    receiptHandle: system.receipt_handle,
  }
}
