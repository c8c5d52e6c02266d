// HEART_BEAT: a client tells a broker its groups and subscriptions. Body: HeartbeatData. Java: HeartbeatRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf } from '../codec/define-request.ts'
import { bool, optional } from '../codec/fields.ts'

export const HeartBeat = defineRequest({
  code: RequestCode.HEART_BEAT,
  name: 'HEART_BEAT',
  header: {},
  answer: {
    supportsHeartbeatV2: optional(bool({ wire: 'IS_SUPPORT_HEART_BEAT_V2' })),
    subscriptionChanged: optional(bool({ wire: 'IS_SUB_CHANGE' })),
  },
})

export type HeartBeatAnswer = AnswerHeaderOf<typeof HeartBeat>
