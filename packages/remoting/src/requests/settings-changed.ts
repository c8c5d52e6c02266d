// SETTINGS_CHANGED: a broker tells proxies that a topic or group is not as it was; one-way: whoever misses it finds out by
// itself later. Ours alone.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { text } from '../codec/fields.ts'

export const SettingsChanged = defineRequest({
  code: RequestCode.SETTINGS_CHANGED,
  name: 'SETTINGS_CHANGED',
  header: {
    /** 'topic' or 'group'. */
    kind: text(),
    name: text(),
  },
  answer: {},
})

export type SettingsChangedHeader = RequestHeaderOf<typeof SettingsChanged>
