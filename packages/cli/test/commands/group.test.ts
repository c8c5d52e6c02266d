import { expect, test } from '@jest/globals'
import { createBrokerClient, createNameServerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { connectPeer } from '@rocketmq-ts/remoting'
import { rmqAlone, startCluster, type TestCluster } from '../cli-harness.ts'

test('group create: attempts → the first delivery counts; listed, and as JSON the same', async () => {
  const { rmq } = await startCluster()
  expect((await rmq('group create billing --max-attempts 5')).out).toBe(
    'Group billing created on broker-a: at most 5 attempts, concurrent.\n',
  )
  expect((await rmq('group create mail --order')).out).toBe(
    'Group mail created on broker-a: at most 17 attempts, fifo.\n',
  )
  expect((await rmq('group list')).out).toBe(
    'GROUP    ATTEMPTS  ORDER       ENABLED  BROKERS\n' +
      'billing         5  concurrent  yes      broker-a\n' +
      'mail           17  fifo        yes      broker-a\n',
  )
  expect((await rmq('group list --json')).json()).toMatchObject({
    groups: [
      { group: 'billing', maxAttempts: 5, order: 'concurrent', enabled: true, brokers: ['broker-a'] },
      { group: 'mail', maxAttempts: 17, order: 'fifo' },
    ],
  })
})

test('group create: exists with other settings → refused; update changes only what is named', async () => {
  const { rmq } = await startCluster()
  await rmq('group create g --max-attempts 5 --order')
  const refused = await rmq('group create g --max-attempts 3')
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toContain('at most 5 attempts, fifo')
  expect((await rmq('group update g --max-attempts 3')).out).toBe(
    'Group g changed on broker-a: at most 3 attempts, fifo.\n',
  )
  expect((await rmq('group update g --no-order')).out).toContain('at most 3 attempts, concurrent')
  expect((await rmq('group create g')).out).toContain('is already on broker-a')
})

test('group update: what has an order → shown, kept by other changes, and taken with a word that is known only', async () => {
  const { rmq } = await startCluster()
  expect((await rmq('group create g --order-by message-group')).out).toContain('17 attempts, fifo by message group.')
  expect((await rmq('group update g --max-attempts 3')).out).toContain('3 attempts, fifo by message group.')
  expect((await rmq('group describe g --json')).json()).toMatchObject({ order: 'fifo by message group' })
  expect((await rmq('group update g --no-order')).out).toContain('concurrent')
  expect((await rmq('group update g --order')).out).toContain('fifo by message group')
  expect((await rmq('group update g --order-by queue')).out).toContain('3 attempts, fifo.')
  expect(await rmq('group update g --order-by topic')).toMatchObject({ code: 2 })
  expect(await rmq('group update g --no-order --order-by queue')).toMatchObject({ code: 2 })
})

test.each([
  ['default', { type: 'CUSTOMIZED' }, '1s, 5s, 10s, 30s … 2h'],
  ['1s,500ms,2h', { type: 'CUSTOMIZED', customizedRetryPolicy: { next: [1000, 500, 7_200_000] } }, '1s, 500ms, 2h'],
  ['exponential', { type: 'EXPONENTIAL' }, '5s × 2 up to 2h'],
  [
    'exponential:1s,12h,3',
    { type: 'EXPONENTIAL', exponentialRetryPolicy: { initial: 1000, max: 43_200_000, multiplier: 3 } },
    '1s × 3 up to 12h',
  ],
  [
    '{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[7000]}}',
    { type: 'CUSTOMIZED', customizedRetryPolicy: { next: [7000] } },
    '7s',
  ],
])('group update: retry policy %s → stored as Apache has it, and shown', async (text, policy, shown) => {
  const { rmq } = await startCluster()
  await rmq('group create g --max-attempts 3')
  const updated = await rmq(['group', 'update', 'g', '--retry-policy', text, '--json'])
  expect(updated.json()).toMatchObject({ brokers: [{ retryPolicy: policy, maxAttempts: 3 }] })
  expect((await rmq('group describe g --json')).json()).toMatchObject({ retryPolicy: shown, maxAttempts: 3 })
})

test.each([
  'nonsense',
  '1',
  '',
  '1s,,2s',
  '13h',
  'exponential:1s,2s',
  'exponential:1s,2s,3,4',
  'exponential:3s,2s,2',
  'exponential:1s,2s,0',
  '{"type":"OTHER"}',
  '{',
])("group create: retry policy '%s' → exit code 2", async (text) => {
  const refused = await rmqAlone(['group', 'create', 'g', '--retry-policy', text])
  expect(refused).toMatchObject({ code: 2, out: '' })
  expect(refused.err).toContain('--retry-policy')
})

test('group update: consume enable false → described with what consumers meet, and true lets them consume again', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('send t hello')
  expect((await rmq('group create g --consume-enable false')).out).toContain('17 attempts, concurrent, switched off.')
  expect((await rmq('group describe g')).out).toContain(
    'Enabled        no: consumers are refused (FORBIDDEN) until: rmq group update g --consume-enable true\n',
  )
  const refused = await rmq('receive t --group g')
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toContain("group 'g' is switched off (consumeEnable)")
  expect((await rmq('group list')).out).toMatch(/^g .* no /m)
  await rmq('group update g --consume-enable true')
  expect((await rmq('receive t --group g')).out).toContain('hello')
  expect(await rmq('group update g --consume-enable maybe')).toMatchObject({ code: 2 })
})

test('group update: on no broker → exit code 1, and it is not created', async () => {
  const { rmq } = await startCluster()
  expect(await rmq('group update nope --order')).toMatchObject({ code: 1, out: '' })
  expect((await rmq('group list')).out).toContain('No groups.')
})

test('group describe: a FIFO topic consumed in any order → a warning that names the command, gone after it', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create ordered --queues 1 --type FIFO')
  await rmq('receive ordered --group g --wait 0s')
  const warned = await rmq('group describe g')
  expect(warned.err).toContain("group 'g' consumes FIFO topic 'ordered' in any order")
  expect(warned.err).toContain('rmq group update g --order')
  await rmq('group update g --order')
  expect((await rmq('group describe g')).err).toBe('')
})

test('group describe: some of it consumed → lag per queue and in all, in messages and in time', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create orders --queues 1')
  await rmq('send orders hello --count 5')
  await rmq('receive orders --group billing --max 2')
  await advance(3_600_000)
  const lines = (await rmq('group describe billing')).out.split('\n')
  expect(lines.slice(0, 10)).toEqual([
    'Group          billing',
    'Attempts       17',
    'Order          concurrent',
    'Retries after  1s, 5s, 10s, 30s … 2h',
    'Enabled        yes',
    expect.stringMatching(/^Lag {12}3, the oldest for 1h( \d+m)?$/),
    'Dead letters   0',
    'Clients        0',
    '',
    'TOPIC   BROKER    QUEUE  SETTLED  DELIVERED  MAX  LAG  FOR  LAST SETTLED',
  ])
  expect(lines[10]).toMatch(/^orders {2}broker-a {6}0 {8}2 {10}2 {4}5 {4}3 {2} *1h {2}2026-01-01 00:00:\d\dZ$/)
  expect((await rmq('group describe billing --json')).json()).toMatchObject({
    group: 'billing',
    lag: 3,
    lagMs: expect.any(Number),
    deadLetters: 0,
    queues: [{ topic: 'orders', queueId: 0, settledOffset: 2, deliveredOffset: 2, maxOffset: 5, lag: 3 }],
  })
})

test('group describe: attempts used up → a dead letter is counted, and stays when the group goes', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('group create g --max-attempts 1')
  await rmq('send t hello')
  await rmq('receive t --group g --no-ack --invisible 1s')
  await advance(5000)
  expect((await rmq('group describe g')).out).toContain('Dead letters   1')
  expect(await rmq('group delete g --yes')).toMatchObject({
    code: 0,
    out: 'Group g deleted on broker-a.\n',
    err: 'its 1 dead letters stay in topic %DLQ%g\n',
  })
})

test('group describe: new → nothing consumed; unknown → exit code 1, and it is not created by being asked for', async () => {
  const { rmq } = await startCluster()
  await rmq('group create g')
  expect((await rmq('group describe g')).out).toContain('It has consumed nothing yet.')
  for (let round = 0; round < 2; round += 1) {
    expect(await rmq('group describe nope')).toMatchObject({
      code: 1,
      err:
        "rmq: no broker has group 'nope'\n" +
        'rmq group list --all shows those that there are; create it with: rmq group create nope\n',
    })
  }
})

/** A proxy at every broker of the cluster, with these clients and what each has subscribed to. */
async function proxyWith({ effects, settled, nameServers }: TestCluster, clients: Readonly<Record<string, string>>) {
  const peers = createPeerSource({
    connect: (address) => connectPeer(effects.network, address, effects),
    clock: effects.clock,
  })
  const { brokerAddrTable } = await settled(
    createNameServerClient({ addresses: nameServers, peers, timeoutMs: 3000 }).clusterInfo(),
  )
  const entries = Object.entries(clients).map(([clientId, expression]) => ({
    clientId,
    kind: 'PUSH_CONSUMER' as const,
    group: 'g',
    language: 'JAVA',
    version: '5',
    address: '10.0.0.1:1',
    sinceMs: 0,
    isReachable: true,
    topics: [],
    subscriptions: [{ topic: 't', type: 'TAG', expression }],
  }))
  const brokers = createBrokerClient({ peers, timeoutMs: 3000 })
  for (const { brokerAddrs } of brokerAddrTable.values()) {
    const header = { proxyId: 'p', port: 8081, isFirst: true }
    await settled(brokers.syncClients(brokerAddrs.get(0) ?? '', header, { clients: entries, gone: [] }))
  }
}

test('group describe: clients that have subscribed differently → a warning, and who has which; alike → their number', async () => {
  const cluster = await startCluster({ clusters: ['c', 'c'] })
  const { rmq } = cluster
  await rmq('group create g')
  await proxyWith(cluster, { one: 'a || b', two: 'b||a' })
  const alike = await rmq('group describe g')
  expect(alike.out).toContain('Clients        2\n')
  expect(alike.err).toBe('')
  await proxyWith(cluster, {
    one: 'a || b',
    two: 'b||a',
    three: 'a',
    four: 'a || b',
    five: 'b || a',
    six: 'b || a || b',
  })
  const differing = await rmq('group describe g')
  expect(differing).toMatchObject({ code: 0, err: expect.stringContaining("group 'g' have subscribed differently") })
  expect(differing.out.split('\n').slice(-4)).toEqual([
    'SUBSCRIPTIONS  CLIENTS  NAMES',
    't a || b             5  five, four, one, six and 1 more',
    't a                  1  three',
    '',
  ])
  expect((await rmq('group describe g --json')).json()).toMatchObject({
    clients: 6,
    subscriptions: [{ subscriptions: 't a || b' }, { subscriptions: 't a', clients: ['three'] }],
  })
})

test('group delete: with progress → a group of the name starts anew', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('send t hello')
  await rmq('receive t --group g')
  expect((await rmq('group delete g --yes')).code).toBe(0)
  expect((await rmq('group list')).out).toBe('No groups. Create one with: rmq group create <group>\n')
  expect((await rmq('receive t --group g')).out).toContain('hello')
})
