// REGISTER_BROKER: a broker tells a nameserver who it is and which topics it has; repeated, it is the sign of life.
// Java: RegisterBrokerRequestHeader, RegisterBrokerResponseHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'
import { brokerIdentity } from './broker-identity.ts'

export const RegisterBroker = defineRequest({
  code: RequestCode.REGISTER_BROKER,
  name: 'REGISTER_BROKER',
  header: {
    ...brokerIdentity,
    /** Mandatory in Java, and yet some brokers leave it out. */
    haServerAddr: optional(text()),
    /** Absent: the nameserver's own limit, 120 s. */
    heartbeatTimeoutMs: optional(int64({ wire: 'heartbeatTimeoutMillis' })),
    /** Absent: a broker before 5.0. */
    enableActingMaster: optional(bool()),
    /** May lie: a zlib stream starts with 0x78, JSON with '{'. */
    compressed: optional(bool()),
    /** The body holds changed topics only. Ours alone: Apache's nameserver takes any body so, and its brokers send such. */
    isIncremental: optional(bool({ wire: 'incremental' })),
    /** CRC-32 of the body & 0x7FFFFFFF; 0 or absent: not checked. */
    bodyCrc32: optional(int32()),
  },
  answer: {
    haServerAddr: optional(text()),
    masterAddr: optional(text()),
  },
})

export type RegisterBrokerHeader = RequestHeaderOf<typeof RegisterBroker>
export type RegisterBrokerAnswer = AnswerHeaderOf<typeof RegisterBroker>
