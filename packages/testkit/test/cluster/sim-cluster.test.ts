import { expect, test } from '@jest/globals'
import { MessagingService, type QueryRouteResponse } from '@rocketmq-ts/grpc/v2'
import { createWorld } from '../../src/sim/index.ts'
import { SimCluster } from '../../src/cluster/sim-cluster.ts'
import { prepare } from '../../src/workload/admin.ts'
import { ENDPOINTS, resource } from '../../src/workload/session.ts'

const SHAPE = { nameServers: 1, brokers: 1, proxies: 1, flushDiskType: 'SYNC_FLUSH', segmentBytes: 1 << 20 } as const

test('proxy: a nameserver that has just started knows no topics → those of the brokers keep their queues', async () => {
  const world = createWorld({ seed: 7 })
  const cluster = new SimCluster(world, SHAPE)
  await cluster.start()
  const plan = { brokerAddresses: [cluster.brokerAddress(0)], topics: [{ name: 'Orders', queues: 9 }], groups: [] }
  const operator = cluster.clients.start('operator', (effects) => prepare(effects, plan))
  await world.run(() => operator.state !== 'starting')
  const { effects } = cluster.clients.start('client', () => undefined)
  const [channel] = cluster.channels(effects)
  let route: QueryRouteResponse | undefined
  const { path, request, response } = MessagingService.QueryRoute
  const query = request.encode({ topic: resource('Orders'), endpoints: ENDPOINTS })
  void channel
    ?.unary(path, query, { metadata: new Map([['x-mq-client-id', 'client']]) })
    .then(({ message }) => (route = message && response.decode(message)))
  await world.run(() => route !== undefined, { forMsMax: 30_000 })
  expect(route?.messageQueues).toHaveLength(9)
})
