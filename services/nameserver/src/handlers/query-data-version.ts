// QUERY_DATA_VERSION: whether the routes know a broker's topics as they are; also a sign of life.
// Java: DefaultRequestProcessor.queryBrokerTopicConfig.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { compareDataVersions, decodeDataVersion, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { ResponseCode, type IncomingRequest, type QueryDataVersionHeader } from '@rocketmq-ts/remoting'
import { checkBroker } from '../broker-identity.ts'
import type { Registrations } from '../registrations.ts'
import type { RouteTable } from '../route-table.ts'

/** A DataVersion has three numbers. */
const BODY_BYTES_MAX = 4096

export interface QueryDataVersionDeps {
  readonly registrations: Pick<Registrations, 'refresh'>
  readonly routes: Pick<RouteTable, 'dataVersionOf'>
}

export function createQueryDataVersion({ registrations, routes }: QueryDataVersionDeps) {
  return (request: IncomingRequest<QueryDataVersionHeader, { changed: boolean }>): void => {
    const { header, body } = request
    checkBroker(header)
    const announced = decodeDataVersion(parseJavaJson(body, { bytesMax: BODY_BYTES_MAX }))
    const known = routes.dataVersionOf(header.brokerName, header.brokerAddr)
    registrations.refresh(header)
    if (known === undefined) request.respond({ code: ResponseCode.SUCCESS, header: { changed: true } })
    else {
      request.respond({
        code: ResponseCode.SUCCESS,
        header: { changed: compareDataVersions(known, announced) !== 0 },
        body: utf8Encode(stringifyJavaJson(known)),
      })
    }
  }
}
