import type { Remedies } from '@rocketmq-ts/runtime'
import type { GrpcPortEvent } from './events.ts'

/** What an operator must do about an event of the gRPC port. */
export const GRPC_REMEDIES: Remedies<GrpcPortEvent> = {
  'grpc.method.failed': 'A defect: report it with this line. Other calls are not affected.',
  'grpc.connection.refused': 'Check what connects from there: the port takes gRPC, with TLS as tlsMode says.',
}
