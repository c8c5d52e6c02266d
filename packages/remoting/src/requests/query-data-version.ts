// QUERY_DATA_VERSION: asks whether the nameserver knows the broker's topics as they are; also a sign of life.
// Body both ways: DataVersion. Java: QueryDataVersionRequestHeader, QueryDataVersionResponseHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool } from '../codec/fields.ts'
import { brokerIdentity } from './broker-identity.ts'

export const QueryDataVersion = defineRequest({
  code: RequestCode.QUERY_DATA_VERSION,
  name: 'QUERY_DATA_VERSION',
  header: brokerIdentity,
  answer: { changed: bool() },
})

export type QueryDataVersionHeader = RequestHeaderOf<typeof QueryDataVersion>
