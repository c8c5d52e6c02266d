// How gRPC calls reach their methods, whatever carries them: memory (simulation), grpc-js, later our own HTTP/2.
// Methods see decoded metadata and raw message bytes; codecs are the methods' own affair.
import type { SocketAddress } from '@rocketmq-ts/runtime'

/** gRPC status codes that the transport itself uses. Business errors travel inside messages with OK. */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const
export type GrpcStatus = (typeof GrpcStatus)[keyof typeof GrpcStatus]

/** Lower-case names; binary values ('-bin') are not used by RocketMQ. A repeated header keeps its first value. */
export type Metadata = ReadonlyMap<string, string>

/** One call as a method sees it. */
export interface GrpcCall {
  readonly metadata: Metadata
  readonly remoteAddress: SocketAddress
  /** Where the client reached us, as the socket knows it. */
  readonly localAddress: SocketAddress
  /** `:authority` as sent; may be anything. */
  readonly authority: string
  readonly secure: boolean
  /** Milliseconds of monotonic time at which the client gives up; undefined without a deadline. */
  readonly deadlineMonotonicMs: number | undefined
  /** Aborted when the client cancels, its deadline passes or the connection is lost. */
  readonly signal: AbortSignal
  /** Sends one message. False: the client reads slowly, wait for `drained`. Ignored after the end. */
  write(message: Uint8Array): boolean
  /** Resolves when more may be written, or the call has ended. */
  drained(): Promise<void>
  /** Ends the call with a status. Only the first one counts. */
  finish(status: GrpcStatus, detail?: string): void
}

/** A method with one request message; answers through the call. */
export type UnaryOrServerStreaming = (request: Uint8Array, call: GrpcCall) => void

/** What a bidirectional method returns: the receiver of further messages. */
export interface StreamReceiver {
  message(bytes: Uint8Array): void
  /** The client half-closed. */
  end(): void
}
export type Bidirectional = (call: GrpcCall) => StreamReceiver

export type GrpcMethod =
  | { readonly kind: 'unary'; readonly handle: UnaryOrServerStreaming }
  | { readonly kind: 'server-streaming'; readonly handle: UnaryOrServerStreaming }
  | { readonly kind: 'bidirectional'; readonly handle: Bidirectional }

/** Full path ('/apache.rocketmq.v2.MessagingService/SendMessage') → method. Unknown paths get UNIMPLEMENTED. */
export type GrpcMethods = ReadonlyMap<string, GrpcMethod>

export interface GrpcServer {
  /** Where clients connect. */
  readonly addresses: readonly SocketAddress[]
  /** Stops accepting calls and lets running ones end until the deadline, then cancels them. */
  close(graceMs: number): Promise<void>
}

/** A transport takes its methods once and starts to serve. Request messages above `requestBytesMax`: RESOURCE_EXHAUSTED. */
export interface GrpcTransport {
  serve(methods: GrpcMethods): Promise<GrpcServer>
}
