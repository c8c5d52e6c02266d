// UPDATE_AND_CREATE_TOPIC: creates a topic or changes it; routes show it a moment after the answer.
// Java: CreateTopicRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, optional, text } from '../codec/fields.ts'

export const UpdateAndCreateTopic = defineRequest({
  code: RequestCode.UPDATE_AND_CREATE_TOPIC,
  name: 'UPDATE_AND_CREATE_TOPIC',
  header: {
    topic: text(),
    defaultTopic: text(),
    readQueueNums: int32(),
    writeQueueNums: int32(),
    perm: int32(),
    /** 'SINGLE_TAG' or 'MULTI_TAG'. */
    topicFilterType: text(),
    topicSysFlag: optional(int32()),
    order: bool(),
    /** '+key=value' adds or changes, '-key' deletes; joined by commas. */
    attributes: optional(text()),
    force: optional(bool()),
  },
  answer: {},
})

export type UpdateAndCreateTopicHeader = RequestHeaderOf<typeof UpdateAndCreateTopic>
