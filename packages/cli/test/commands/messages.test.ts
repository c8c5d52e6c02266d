import { expect, test } from '@jest/globals'
import { startCluster } from '../cli-harness.ts'

interface Message {
  readonly messageId: string
  readonly body?: string
  readonly bodyBase64?: string
  readonly tag?: string
  readonly keys: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly deliveryAttempt: number
}

const ESCAPE = '\u001b[31m'

test('send, receive: a message with everything → the same comes out, and nothing is left', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create orders --queues 1')
  const sent = await rmq(['send', 'orders', 'Hello', '--tag', 'created', '--key', '42', '--property', 'region=eu'])
  expect(sent.code).toBe(0)
  expect(sent.out).toMatch(/^Sent 01[0-9A-F]{32} to orders: broker-a, queue 0, offset 0\.\n$/)
  const received = await rmq('receive orders --group billing')
  expect(received.out).toMatch(
    /^broker-a\/0@0 {2}01[0-9A-F]{32} {2}2026-01-01 00:00:\d\dZ {2}tag=created {2}keys=42 {2}region=eu\nHello\n$/,
  )
  expect(await rmq('receive orders --group billing --wait 1s')).toMatchObject({
    code: 0,
    out: '',
    err: 'no message for group billing within 1s\n',
  })
})

test('receive: as JSON → one document; ids are those that send told', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  const sent = (await rmq('send t one --count 2 --json')).json<{ sent: number; messages: Message[] }>()
  expect(sent.sent).toBe(2)
  const { messages } = (await rmq('receive t --group g --json')).json<{ messages: Message[] }>()
  expect(messages.map(({ messageId }) => messageId).sort()).toEqual(
    sent.messages.map(({ messageId }) => messageId).sort(),
  )
  expect(messages[0]).toMatchObject({ topic: 't', queueId: 0, queueOffset: 0, body: 'one', deliveryAttempt: 1 })
  expect((await rmq('receive t --group g --json --wait 0')).json()).toEqual({ topic: 't', group: 'g', messages: [] })
})

test('send: body from a file or standard input → byte for byte; two sources, none, or nothing → usage errors', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('send t --file a.json', { files: { 'a.json': '{"a":1}\n' } })
  await rmq('send t', { stdin: 'from a pipe' })
  const { messages } = (await rmq('receive t --group g --json')).json<{ messages: Message[] }>()
  expect(messages.map(({ body }) => body)).toEqual(['{"a":1}\n', 'from a pipe'])
  const faults = [
    [await rmq('send t body --file a.json'), 'a body and --file are given; choose one'],
    [await rmq('send t'), 'no body: give it as an argument, with --file <path>, or on standard input'],
    [await rmq('send t', { stdin: '' }), 'the body is empty'],
    [await rmq('send t body --tag a||b'), "--tag is 'a||b'"],
    [await rmq(['send', 't', 'body', '--key', 'a b']), "--key is 'a b'"],
    [await rmq('send t body --property novalue'), 'It must be of the form name=value.'],
  ] as const
  for (const [ended, text] of faults) {
    expect(ended.code).toBe(2)
    expect(ended.err).toContain(text)
  }
})

test('send: many → spread over the queues of both brokers, and counted', async () => {
  const { rmq } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create t --queues 1')
  const lines = (await rmq('send t hello --count 10')).out.split('\n')
  expect(lines.slice(0, 4)).toEqual([
    'Sent 10 messages to t.',
    'BROKER    QUEUE  MESSAGES  FIRST  LAST',
    'broker-a      0         5      0     4',
    'broker-b      0         5      0     4',
  ])
})

test.each([
  ['a', 'broker-a', 0],
  ['group-1', 'broker-a', 1],
  ['order-42', 'broker-b', 1],
])('send: of message group %s → all of it to %s, queue %d, as from proxies', async (group, brokerName, queueId) => {
  const { rmq } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create orders --type FIFO --queues 2')
  const sent = await rmq(`send orders hello --message-group ${group} --count 3 --json`)
  const { messages } = sent.json<{ messages: { brokerName: string; queueId: number; queueOffset: number }[] }>()
  expect(messages).toMatchObject([0, 1, 2].map((queueOffset) => ({ brokerName, queueId, queueOffset })))
  const received = (await rmq('receive orders --group g --json --wait 1s')).json<{ messages: Message[] }>()
  expect(received.messages).toHaveLength(3)
})

test('send: of a message group whose broker is away → not to another queue, and it says which broker', async () => {
  const { rmq, kill, advance } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create orders --type FIFO --queues 2')
  kill('broker-b')
  await advance(1000)
  const refused = await rmq('send orders hello --message-group order-42')
  expect(refused.code).toBe(1)
  expect(refused.err).toContain("broker broker-b has message group 'order-42' of topic 'orders', and is away")
  expect((await rmq('send orders hello --message-group a')).code).toBe(0)
})

test('send: of a message group, and the first broker can not be reached → the next one says how groups are spread', async () => {
  const { rmq, partition } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create orders --type FIFO --queues 2')
  partition('broker-a')
  expect((await rmq('send orders hello --message-group order-42')).code).toBe(0)
  partition('broker-b')
  expect(await rmq('send orders hello --message-group order-42')).toMatchObject({
    code: 1,
    err: expect.stringContaining('broker broker-a, registered as'),
  })
})

test('send: of a message group, wrongly → refused, and it says what to do', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create plain')
  await rmq('topic create orders --type FIFO')
  const faults = [
    ['send orders x --message-group g --delay 1s', 2, 'a message is in order or delayed'],
    [['send', 'orders', 'x', '--message-group', ' '], 2, '--message-group is blank'],
    ['send plain x --message-group g', 1, 'rmq topic create plain --type FIFO --update'],
    ['send fresh x --message-group g', 1, 'rmq topic create fresh --type FIFO'],
  ] as const
  for (const [command, code, text] of faults) {
    const refused = await rmq(command)
    expect([refused.code, refused.err]).toEqual([code, expect.stringContaining(text)])
  }
})

test('send: a topic that is not there → created where brokers do that; else exit code 1 and how to create it', async () => {
  const willing = await startCluster()
  expect((await willing.rmq('send fresh hello')).code).toBe(0)
  expect((await willing.rmq('topic list')).out).toContain('fresh')
  const strict = await startCluster({ autoCreateTopicEnable: false })
  expect(await strict.rmq('send fresh hello')).toMatchObject({
    code: 1,
    err:
      "rmq: topic 'fresh' does not exist, and no broker creates topics by itself\n" +
      'Create it with: rmq topic create fresh\n',
  })
})

test.each(['send t hello', 'receive t --group g', 'topic create t'])(
  '%s: no broker is registered → exit code 1, that is the reason, and not the topic',
  async (command) => {
    const { rmq } = await startCluster({ clusters: [] })
    const ended = await rmq(command)
    expect(ended.code).toBe(1)
    expect(ended.err).toMatch(
      /^rmq: no broker is registered at the nameserver\nStart one, or wait until it has registered/,
    )
  },
)

test('send: a topic for reading only → exit code 1, and it says why', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --perm r')
  const ended = await rmq('send t hello')
  expect(ended.code).toBe(1)
  expect(ended.err).toContain("topic 't' has no queue that may be written")
})

test('receive: escape sequences in a body, a tag or a property → visible, never sent to the terminal', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq(['send', 't', `a${ESCAPE}b\nc`, '--property', `p=${ESCAPE}`])
  const { out } = await rmq('receive t --group g', { tty: true, colours: false })
  expect(out).not.toContain('\u001b')
  expect(out).toContain('a\\x1b[31mb\nc\n')
  expect(out).toContain('p=\\x1b[31m')
})

test('receive: a body that is no text → its first bytes; as JSON base64', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('send t', { stdin: 'a\0b' })
  expect((await rmq('receive t --group g')).out).toContain('(binary, 3 bytes) 61 00 62\n')
  const { messages } = (await rmq('receive t --group h --json')).json<{ messages: Message[] }>()
  expect(messages[0]?.bodyBase64).toBe('YQBi')
})

test('receive: --no-ack → the message comes again, with its attempt counted', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('send t hello')
  await rmq('receive t --group g --no-ack --invisible 1s')
  expect((await rmq('receive t --group g --wait 0')).out).toBe('')
  await advance(1500)
  expect((await rmq('receive t --group g')).out).toContain('  attempt=2\nhello\n')
})

test('receive: --tag → only those; --max → no more than that, the rest stays', async () => {
  const { rmq } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create t --queues 1')
  for (const tag of ['red', 'blue']) await rmq(`send t of-${tag} --tag ${tag} --count 4`)
  const red = (await rmq('receive t --group g --tag red||green --json')).json<{ messages: Message[] }>()
  expect(red.messages.map(({ body }) => body)).toEqual(Array.from({ length: 4 }, () => 'of-red'))
  const counts = []
  for (let round = 0; round < 3; round += 1) {
    const { messages } = (await rmq('receive t --group h --max 3 --json --wait 0')).json<{ messages: Message[] }>()
    counts.push(messages.length)
  }
  expect(counts).toEqual([3, 3, 2])
})

test('receive: --sql → only where it holds, from every broker; a wrong one → its place and the reason', async () => {
  const { rmq } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create t --queues 1')
  for (const price of [5, 25]) await rmq(`send t of-${price} --property price=${price} --count 4`)
  const dear = (await rmq(['receive', 't', '--group', 'g', '--sql', 'price > 20', '--json'])).json<{
    messages: Message[]
  }>()
  expect(dear.messages.map(({ body }) => body)).toEqual(Array.from({ length: 4 }, () => 'of-25'))
  const wrong = await rmq(['receive', 't', '--group', 'g', '--sql', 'price >'])
  expect(wrong.code).not.toBe(0)
  expect(wrong.err).toContain('SQL92 expression, at its end: a property')
  expect((await rmq('receive t --group g --sql a --tag b')).err).toContain("'--sql <expression>' cannot be used with")
})

test('receive --follow: a message comes later → written as it comes; Ctrl-C → exit code 0', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  await cluster.rmq('topic create t --queues 1')
  const { ended } = cluster.start('receive t --group g --follow --json', {
    interruptWhen: (out) => out.split('\n').length > 3,
  })
  await cluster.advance(20_000)
  await cluster.rmq('send t one')
  await cluster.advance(40_000)
  await cluster.rmq('send t two --count 2')
  const { code, out } = await cluster.settled(ended)
  expect(code).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as Message).body)).toEqual(['one', 'two', 'two'])
  expect((await cluster.rmq('group describe g --json')).json()).toMatchObject({ lag: 0 })
})

test('receive --follow: a broker dies → named, and the others go on', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  await cluster.rmq('topic create t --queues 1')
  const { ended } = cluster.start('receive t --group g --follow --max 1')
  await cluster.advance(2000)
  cluster.kill('broker-b')
  await cluster.advance(5000)
  await cluster.rmq('send t hello')
  const { code, out, err } = await cluster.settled(ended)
  expect([code, out]).toEqual([0, expect.stringContaining('\nhello\n')])
  expect(err).toContain('broker-b')
  expect(err).toContain('trying again')
})

test('receive: a topic that nobody has → exit code 1; without a group → usage error', async () => {
  const { rmq } = await startCluster()
  expect(await rmq('receive nope --group g')).toMatchObject({
    code: 1,
    err: "rmq: topic 'nope' does not exist\nCreate it with: rmq topic create nope\n",
  })
  expect(await rmq('receive nope')).toMatchObject({
    code: 2,
    err: expect.stringContaining("required option '-g, --group <group>' not specified"),
  })
})
