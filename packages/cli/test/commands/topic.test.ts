import { expect, test } from '@jest/globals'
import { startCluster } from '../cli-harness.ts'

const TWO_BROKERS = { clusters: ['DefaultCluster', 'DefaultCluster'] }

test('topic create: one broker → made with the defaults, listed, and as JSON the same', async () => {
  const { rmq } = await startCluster()
  expect(await rmq('topic create orders')).toMatchObject({
    code: 0,
    out: 'Topic orders created on broker-a: 4 queues, NORMAL, rw.\n',
    err: '',
  })
  expect(await rmq('topic list')).toMatchObject({
    code: 0,
    out: 'TOPIC   TYPE    QUEUES  PERM  BROKERS\norders  NORMAL       4  rw    broker-a\n',
    err: '4 topics of the system; --all shows them\n',
  })
  expect((await rmq('topic list --json')).json()).toEqual({
    topics: [{ topic: 'orders', type: 'NORMAL', queues: 4, perm: 'rw', brokers: ['broker-a'] }],
  })
})

test('topic create: on a terminal → titles are bold; NO_COLOR or no terminal → plain text', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create orders')
  const coloured = await rmq('topic list', { tty: true })
  expect(coloured.out.split('\n')[0]).toBe('\u001b[1mTOPIC   TYPE    QUEUES  PERM  BROKERS\u001b[22m')
  const plain = await rmq('topic list', { tty: true, colours: false })
  expect(plain.out).toBe((await rmq('topic list')).out)
})

test('topic create: settings given → kept; again the same → unchanged; others → refused until --update', async () => {
  const { rmq } = await startCluster()
  const create = 'topic create t --queues 2 --type mixed --perm r'
  expect((await rmq(create)).out).toBe('Topic t created on broker-a: 2 queues, MIXED, r.\n')
  expect((await rmq(create)).out).toBe('Topic t is already on broker-a: 2 queues, MIXED, r.\n')
  expect((await rmq('topic create t')).out).toBe('Topic t is already on broker-a: 2 queues, MIXED, r.\n')
  expect(await rmq('topic create t --queues 8')).toEqual(
    expect.objectContaining({
      code: 1,
      out: '',
      err:
        "rmq: topic 't' is on broker-a already with other settings: 2 queues, MIXED, r\n" +
        'Nothing was changed. Add --update to change it.\n',
    }),
  )
  expect((await rmq('topic create t --queues 8 --perm rw --update --json')).json()).toMatchObject({
    topic: 't',
    brokers: [{ brokerName: 'broker-a', outcome: 'changed', queues: 8, type: 'MIXED', perm: 'rw' }],
  })
})

test('topic create: a FIFO topic on two brokers → its message groups stay there, until it is told otherwise', async () => {
  const { rmq } = await startCluster(TWO_BROKERS)
  const all = 'sharded over broker-a (2 queues), broker-b (2 queues)'
  expect((await rmq('topic create t --queues 2 --type FIFO')).out).toContain(`broker-b: 2 queues, FIFO, rw, ${all}.\n`)
  expect((await rmq('topic create t')).out).toContain(`Topic t is already on broker-a: 2 queues, FIFO, rw, ${all}.\n`)
  expect((await rmq('topic describe t')).out).toMatch(/Sharded over +broker-a \(2 queues\), broker-b \(2 queues\)/)
  await rmq('topic create t --queues 3 --update --broker broker-b')
  const attributes = async () => (await rmq('topic describe t --json')).json()
  expect(await attributes()).toMatchObject({ attributes: { 'sharding.queues': 'broker-a:2;broker-b:2' } })
  await rmq('topic create t --update')
  expect(await attributes()).toMatchObject({ attributes: { 'sharding.queues': 'broker-a:2;broker-b:3' } })
  expect(await rmq('topic create t --update --without-broker broker-c')).toMatchObject({
    code: 1,
    err: expect.stringContaining("no message group goes to broker 'broker-c'\nThey go to broker-a, broker-b."),
  })
  await rmq('topic create t --update --without-broker broker-b')
  expect(await attributes()).toMatchObject({ attributes: { 'sharding.queues': 'broker-a:2' } })
})

test('topic create: --dedup → what it means is said, and shown later; kinds of messages that wait first can not have it', async () => {
  const { rmq } = await startCluster(TWO_BROKERS)
  const created = await rmq('topic create pay --queues 2 --dedup key --dedup-window 1h')
  expect(created.out).toContain('sharded over broker-a (2 queues), broker-b (2 queues), each key once in 1h.\n')
  expect(created.out).toContain('A message with a key that was stored in the last 1h is not stored again')
  expect((await rmq('topic describe pay')).out).toMatch(/Takes +each key once in 1h/)
  expect((await rmq('topic create pay --dedup none --update')).out).not.toContain('once')
  expect(await rmq('topic create later --type DELAY --dedup id')).toMatchObject({
    code: 1,
    err: expect.stringContaining('DELAY'),
  })
})

test('send: a key that the topic has already → the place of the first one is told', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create pay --dedup key')
  const send = async () =>
    (await rmq('send pay hello --key order-1 --json')).json<{ messages: { queueId: number }[] }>()
  const [first] = (await send()).messages
  const { queueId } = first!
  expect((await send()).messages).toMatchObject([{ queueId, queueOffset: 0 }])
})

test('topic create: two brokers → on both, or on the one that is named', async () => {
  const { rmq } = await startCluster(TWO_BROKERS)
  await rmq('topic create both')
  await rmq('topic create one --broker broker-b')
  expect((await rmq('topic list')).out.split('\n').slice(1, 3)).toEqual([
    'both   NORMAL       8  rw    broker-a,broker-b',
    'one    NORMAL       4  rw    broker-b',
  ])
})

test('topic create: several clusters and none chosen → usage error that names them; one chosen → there', async () => {
  const { rmq } = await startCluster({ clusters: ['east', 'west'] })
  expect(await rmq('topic create t')).toMatchObject({
    code: 2,
    err:
      'rmq: the nameserver knows several clusters: east, west\n' +
      'Choose one with --cluster NAME, or a broker with --broker NAME.\n',
  })
  expect((await rmq('topic create t --cluster west')).out).toContain('created on broker-b')
  expect(await rmq('topic create t --cluster north')).toMatchObject({
    code: 1,
    err: "rmq: --cluster: no cluster 'north' is registered\nRegistered: east, west.\n",
  })
})

test('topic create: a name that is none → usage error that names the rule, and no broker is asked', async () => {
  const { rmq } = await startCluster()
  expect(await rmq(['topic', 'create', 'a b'])).toMatchObject({
    code: 2,
    err: "rmq: topic: 'a b' holds a character other than letters, digits, '%', '|', '_' and '-'\n",
  })
})

test('topic create: a system topic → the broker refuses, exit code 1', async () => {
  const { rmq } = await startCluster()
  const ended = await rmq('topic create rmq_sys_mine')
  expect(ended.code).toBe(1)
  expect(ended.err).toContain("topic 'rmq_sys_mine' belongs to the system")
})

test('topic list: nothing made yet → says how to; --all → the topics of the system', async () => {
  const { rmq } = await startCluster()
  expect((await rmq('topic list')).out).toBe('No topics. Create one with: rmq topic create <topic>\n')
  const { topics } = (await rmq('topic list --all --json')).json<{ topics: { topic: string }[] }>()
  expect(topics.map(({ topic }) => topic)).toEqual(['DefaultCluster', 'SELF_TEST_TOPIC', 'TBW102', 'broker-a'])
})

test('topic list: one of two brokers does not answer → the others are listed, it is named, exit code 1', async () => {
  const { rmq, partition } = await startCluster(TWO_BROKERS)
  await rmq('topic create t')
  partition('broker-b')
  const ended = await rmq('topic list')
  expect(ended.code).toBe(1)
  expect(ended.out).toContain('t      NORMAL       4  rw    broker-a\n')
  expect(ended.err).toContain('rmq: broker broker-b, registered as 10.0.0.3:10911, can not be reached: ')
})

test('topic create: the only broker does not answer → exit code 1, which address, and what may be wrong', async () => {
  const { rmq, partition } = await startCluster()
  partition('broker-a')
  const { code, err } = await rmq('topic create t')
  expect(code).toBe(1)
  expect(err).toContain('rmq: broker broker-a, registered as 10.0.0.2:10911, can not be reached: ')
  expect(err).toContain('set brokerIP1 at the broker.')
})

test('topic delete: a broker does not answer → its route stays, which is said, exit code 1', async () => {
  const { rmq, partition } = await startCluster(TWO_BROKERS)
  await rmq('topic create t')
  partition('broker-b')
  const { code, out, err } = await rmq('topic delete t --yes')
  expect([code, out]).toEqual([1, 'Topic t deleted on broker-a.\n'])
  expect(err).toContain('routes of topic t stay, since not every broker deleted it; run this again')
})

test('topic describe: messages in some queues → where they are, and since when', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create orders --queues 2')
  await rmq('send orders hello --count 3')
  const { out } = await rmq('topic describe orders')
  const lines = out.split('\n')
  expect(lines.slice(0, 7)).toEqual([
    'Topic       orders',
    'Type        NORMAL',
    'Permission  rw',
    'Queues      2',
    'Messages    3',
    '',
    'BROKER    QUEUE  MIN  MAX  MESSAGES  LAST',
  ])
  expect(lines[7]).toMatch(/^broker-a {6}0 {4}0 {4}[12] {9}[12] {2}2026-01-01 00:00:\d\dZ$/)
  const described = (await rmq('topic describe orders --json')).json<{ messages: number; queueList: unknown[] }>()
  expect(described).toMatchObject({ topic: 'orders', messages: 3, attributes: { 'message.type': 'NORMAL' } })
  expect(described.queueList).toHaveLength(2)
})

test('topic create: retention → attributes of the topic, shown; none takes it away, other settings stay', async () => {
  const { rmq } = await startCluster()
  const created = await rmq('topic create t --retention 24h --retention-bytes 1GiB --retention-count 1000000')
  expect(created.out).toBe('Topic t created on broker-a: 4 queues, NORMAL, rw, keeps 1d, 1GiB, 1000000 messages.\n')
  expect((await rmq('topic describe t')).out).toContain('\nRetention   1d, 1GiB, 1000000 messages\n')
  expect((await rmq('topic describe t --json')).json()).toMatchObject({
    attributes: { 'retention.ms': '86400000', 'retention.bytes': '1073741824', 'retention.count': '1000000' },
  })
  const refused = await rmq('topic create t --retention 1h')
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('NORMAL, rw, keeps 1d, 1GiB, 1000000')])
  expect((await rmq('topic create t --retention none --queues 8 --update')).out).toBe(
    'Topic t changed on broker-a: 8 queues, NORMAL, rw, keeps 1GiB, 1000000 messages.\n',
  )
  expect((await rmq('topic create t --retention none')).out).toContain('is already on')
})

test.each([
  ['--retention 24', 'It has no unit: write 24s or 24ms.'],
  ['--retention-bytes -5', '-5'],
  ['--retention-count 0', '0'],
])('topic create: %s → usage error', async (option, text) => {
  const { rmq } = await startCluster()
  const { code, err } = await rmq(`topic create t ${option}`)
  expect([code, err]).toEqual([2, expect.stringContaining(text)])
})

test('topic describe: nobody has it → exit code 1, and how to see or make it; as JSON on standard error', async () => {
  const { rmq } = await startCluster()
  expect(await rmq('topic describe nope')).toMatchObject({
    code: 1,
    out: '',
    err:
      "rmq: no broker has topic 'nope'\n" +
      'rmq topic list --all shows those that there are; create it with: rmq topic create nope\n',
  })
  const { err } = await rmq('topic describe nope --json')
  expect(JSON.parse(err)).toMatchObject({
    error: { code: 'topic-not-found', message: "no broker has topic 'nope'", remedy: expect.any(String) },
  })
})

test('topic delete: yes → gone at brokers and nameservers', async () => {
  const { rmq } = await startCluster(TWO_BROKERS)
  await rmq('topic create t')
  expect(await rmq('topic delete t --yes')).toMatchObject({
    code: 0,
    out: 'Topic t deleted on broker-a, broker-b.\n',
    err: '',
  })
  expect((await rmq('topic list')).out).toContain('No topics')
  expect((await rmq('send t hello', { env: {} })).code).toBe(0) // creates it again: automatic creation is on
})

test('topic delete: a person is asked → only a yes deletes', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t')
  const no = await rmq('topic delete t', { tty: true, colours: false, answer: '' })
  expect(no).toMatchObject({
    code: 1,
    out: '',
    err: 'Delete topic t with 0 messages on broker-a? [y/N] Nothing was changed.\n',
  })
  const yes = await rmq('topic delete t', { tty: true, answer: 'y' })
  expect(yes).toMatchObject({ code: 0, out: 'Topic t deleted on broker-a.\n' })
})

test('topic delete: nobody can be asked → usage error that names --yes, and nothing is deleted', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t')
  const ended = await rmq('topic delete t', { stdin: '' })
  expect(ended.code).toBe(2)
  expect(ended.err).toContain('Add --yes.')
  expect((await rmq('topic list')).out).toContain('broker-a')
})
