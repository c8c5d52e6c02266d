import type { LogEvent } from '@rocketmq-ts/runtime'

/** What the gRPC port reports. `remote` is host:port of the client. */
export type GrpcPortEvent = LogEvent &
  (
    | { readonly event: 'grpc.listening'; readonly host: string; readonly port: number; readonly tls: string }
    | { readonly event: 'grpc.connection.refused'; readonly remote: string; readonly reason: string }
    | { readonly event: 'grpc.connection.failed'; readonly remote: string; readonly reason: string }
    | { readonly event: 'grpc.request.given-up'; readonly reason: string }
    | { readonly event: 'grpc.certificate.replaced' }
    | { readonly event: 'grpc.method.failed'; readonly reason: string }
  )
