// The calls of a 5.x SDK over raw connections: requests are encoded once, answers are looked at no more than needed.
import {
  AckMessageRequest,
  EndTransactionRequest,
  FilterType,
  Encoding,
  MessagingService,
  MessageType,
  ReceiveMessageRequest,
  ReceiveMessageResponse,
  SendMessageRequest,
  SendMessageResponse,
  TransactionResolution,
  TransactionSource,
} from '@rocketmq-ts/grpc/v2'
import { connectGrpc, framed, type GrpcConnection } from './grpc-connection.ts'
import type { Caller } from './load.ts'

/** What SDKs send with every call; the deadline is theirs too. */
const SDK_HEADERS = [
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
  ['user-agent', 'rocketmq-ts-bench'],
  ['grpc-timeout', '10S'],
  ['x-mq-language', 'JAVA'],
  ['x-mq-protocol', 'v2'],
  ['x-mq-client-version', '5.2.0'],
  ['x-mq-date-time', '20261121T000000Z'],
  ['x-mq-client-id', 'bench@1@0@abcdefgh'],
] as const

/** The beginning of an answer whose `status` (field 1) has the `code` (its field 1) OK, 20000. */
const OK_CODE = [0x08, 0xa0, 0x9c, 0x01] as const
const STATUS_TAG = 0x0a
const MESSAGE_ID = '01A1B2C3D4E5F60123456789ABCDEF0123'
const BATCH_MAX = 32
const INVISIBLE_S = 120
const POLL_S = 5

/** Looks at the first bytes only: a status comes first in every answer, and is short when all went well. */
export function saysOk(answer: Uint8Array): boolean {
  return answer[0] === STATUS_TAG && OK_CODE.every((byte, at) => answer[2 + at] === byte)
}

/** Headers as `name:value`, for other generators. */
export function headerLines(): string[] {
  return SDK_HEADERS.map(([name, value]) => `${name}:${value}`)
}

/** `host:port`. */
export async function connectAll(endpoints: string, connections: number): Promise<GrpcConnection[]> {
  const [host = '', port = ''] = endpoints.split(':')
  return Promise.all(
    Array.from({ length: connections }, () => connectGrpc({ host, port: Number(port), headers: SDK_HEADERS })),
  )
}

export const SEND_PATH = MessagingService.SendMessage.path

/** A SendMessage request, framed. */
export function sendRequest(topic: string, body: Uint8Array, messageType: MessageType = MessageType.NORMAL): Buffer {
  const systemProperties = {
    messageId: MESSAGE_ID,
    messageType,
    bodyEncoding: Encoding.IDENTITY,
    bornHost: 'bench',
    bornTimestamp: { seconds: 1_790_000_000, nanos: 1 },
    tag: 'bench',
    keys: ['key-1'],
  }
  return framed(SendMessageRequest.encode({ messages: [{ topic: { name: topic }, systemProperties, body }] }))
}

/** Unary calls of one path, spread over the connections by slot. */
export function unaryCaller(
  connections: readonly GrpcConnection[],
  path: string,
  messageOf: () => Buffer,
  isOk: (answer: Buffer) => boolean = saysOk,
): Caller {
  return (slot, done) => {
    const connection = connections[slot % connections.length]
    let ok = false
    connection?.call(path, messageOf(), {
      message(bytes) {
        ok = isOk(bytes)
      },
      end: (complete) => done(complete && ok),
    })
  }
}

/** Transactions, spread over the connections by slot: a half message, and its commit once it was answered. */
export function transactionCaller(connections: readonly GrpcConnection[], topic: string, body: Uint8Array): Caller {
  const half = sendRequest(topic, body, MessageType.TRANSACTION)

  function commit(connection: GrpcConnection, transactionId: string, done: (ok: boolean) => void): void {
    const request = {
      topic: { name: topic },
      messageId: MESSAGE_ID,
      transactionId,
      resolution: TransactionResolution.COMMIT,
      source: TransactionSource.SOURCE_CLIENT,
    }
    let ok = false
    connection.call(MessagingService.EndTransaction.path, framed(EndTransactionRequest.encode(request)), {
      message(bytes) {
        ok = saysOk(bytes)
      },
      end: (complete) => done(complete && ok),
    })
  }

  return (slot, done) => {
    const connection = connections[slot % connections.length]
    let transactionId: string | undefined
    connection?.call(SEND_PATH, half, {
      message(bytes) {
        if (saysOk(bytes)) transactionId = SendMessageResponse.decode(bytes).entries[0]?.transactionId
      },
      end(complete) {
        if (complete && transactionId !== undefined) commit(connection, transactionId, done)
        else done(false)
      },
    })
  }
}

export interface Received {
  readonly body: Uint8Array
  readonly receiptHandle: string
  readonly messageId: string
}

export interface ConsumerOptions {
  readonly connections: readonly GrpcConnection[]
  readonly topic: string
  readonly group: string
  /** Brokers of the topic: each receive asks one of them. */
  readonly brokerNames: readonly string[]
  /** Receives under way, and acknowledgements at a time of each. */
  readonly receivers: number
  /** Called for each message, before it is acknowledged. */
  readonly received: (message: Received) => void
  /** Called for each acknowledgement; false: it was refused or lost. */
  readonly acknowledged: (ok: boolean) => void
}

export interface Consumer {
  /** Starts no receive any more; resolves when everything under way has ended. */
  stop(): Promise<void>
}

/** Receives batches and acknowledges each message with a call of its own, as the SDKs do; then receives again. */
export function startConsumer(options: ConsumerOptions): Consumer {
  const { connections, topic, group, brokerNames, receivers } = options
  let stopped = false
  let running = 0
  let idle: (() => void) | undefined
  const requests = brokerNames.map((name) => framed(ReceiveMessageRequest.encode(receiveOf(topic, group, name))))

  function ended(): void {
    running -= 1
    if (stopped && running === 0) idle?.()
  }

  function acknowledge(connection: GrpcConnection, message: Received): void {
    const { messageId, receiptHandle } = message
    const request = { group: { name: group }, topic: { name: topic }, entries: [{ messageId, receiptHandle }] }
    let ok = false
    running += 1
    connection.call(MessagingService.AckMessage.path, framed(AckMessageRequest.encode(request)), {
      message(bytes) {
        ok = saysOk(bytes)
      },
      end(complete) {
        options.acknowledged(complete && ok)
        ended()
      },
    })
  }

  function receive(slot: number, round: number): void {
    const connection = connections[slot % connections.length]
    const request = requests[(slot + round) % requests.length]
    if (stopped || connection === undefined || request === undefined) return
    running += 1
    connection.call(MessagingService.ReceiveMessage.path, request, {
      message(bytes) {
        const { message } = ReceiveMessageResponse.decode(bytes)
        const system = message?.systemProperties
        if (message === null || system === null || system === undefined) return
        const received = { body: message.body, receiptHandle: system.receiptHandle ?? '', messageId: system.messageId }
        options.received(received)
        acknowledge(connection, received)
      },
      end() {
        ended()
        receive(slot, round + 1)
      },
    })
  }

  for (let slot = 0; slot < receivers; slot += 1) receive(slot, 0)
  return {
    stop() {
      stopped = true
      return new Promise((resolve) => {
        idle = resolve
        if (running === 0) resolve()
      })
    },
  }
}

function receiveOf(topic: string, group: string, brokerName: string) {
  return {
    group: { name: group },
    messageQueue: { topic: { name: topic }, id: -1, broker: { name: brokerName } },
    filterExpression: { type: FilterType.TAG, expression: '*' },
    batchSize: BATCH_MAX,
    invisibleDuration: { seconds: INVISIBLE_S },
    longPollingTimeout: { seconds: POLL_S },
  }
}
