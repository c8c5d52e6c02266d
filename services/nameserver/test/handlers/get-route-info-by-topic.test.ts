import { expect, test } from '@jest/globals'
import { utf8Decode } from '@rocketmq-ts/bytes'
import type { GetRouteInfoByTopicHeader, IncomingRequest } from '@rocketmq-ts/remoting'
import { createGetRouteInfoByTopic } from '../../src/handlers/get-route-info-by-topic.ts'
import { RouteTable } from '../../src/route-table.ts'
import { registrationOf } from '../registrations-of.ts'

/** The body as a client of this version receives it. */
function bodyFor(client: { version: number; acceptStandardJsonOnly?: boolean }): string {
  const routes = new RouteTable({ brokersMax: 10, topicsMax: 10, deleteTopicsNotAnnounced: false })
  routes.register(registrationOf({ addr: '127.0.0.1:10911' }))
  routes.register(registrationOf({ id: 1, addr: '127.0.0.1:10921' }))
  let body = ''
  const { version, acceptStandardJsonOnly } = client
  const request: Pick<IncomingRequest<GetRouteInfoByTopicHeader>, 'header' | 'version' | 'respond'> = {
    version,
    header: { topic: 'A', acceptStandardJsonOnly },
    respond: (answer) => {
      body = utf8Decode(('body' in answer ? answer.body : undefined) ?? new Uint8Array(0))
    },
  }
  createGetRouteInfoByTopic({ routes, onAnswered: () => {} })(request as IncomingRequest<GetRouteInfoByTopicHeader>)
  return body
}

test('route: for Go (version 317) → bare broker ids and no white space, byte for byte as Java writes it', () => {
  expect(bodyFor({ version: 317 })).toBe(
    '{"brokerDatas":[{"brokerAddrs":{0:"127.0.0.1:10911",1:"127.0.0.1:10921"},"brokerName":"broker-a","cluster":"C",' +
      '"enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,' +
      '"readQueueNums":16,"topicSysFlag":0,"writeQueueNums":16}]}',
  )
})

test.each([
  [{ version: 400 }, false],
  [{ version: 401 }, true],
  [{ version: 479 }, true],
  [{ version: 317, acceptStandardJsonOnly: true }, true],
])('route: for a client with %j → standard JSON: %s', (client, isStandard) => {
  const body = bodyFor(client)
  expect(body.includes('{"0":"127.0.0.1:10911","1"')).toBe(isStandard)
  if (isStandard) expect(() => JSON.parse(body) as unknown).not.toThrow()
})
