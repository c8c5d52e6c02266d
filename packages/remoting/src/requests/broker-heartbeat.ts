// BROKER_HEARTBEAT: refreshes the sign of life without topics. Java: BrokerHeartbeatRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, int64, optional, text } from '../codec/fields.ts'

export const BrokerHeartbeat = defineRequest({
  code: RequestCode.BROKER_HEARTBEAT,
  name: 'BROKER_HEARTBEAT',
  header: {
    clusterName: text(),
    brokerAddr: text(),
    brokerName: text(),
    brokerId: optional(int64()),
    epoch: optional(int32()),
    maxOffset: optional(int64()),
    confirmOffset: optional(int64()),
    /** Spelled so on the wire, unlike in REGISTER_BROKER. */
    heartbeatTimeoutMs: optional(int64({ wire: 'heartbeatTimeoutMills' })),
    electionPriority: optional(int32()),
  },
  answer: {},
})

export type BrokerHeartbeatHeader = RequestHeaderOf<typeof BrokerHeartbeat>
