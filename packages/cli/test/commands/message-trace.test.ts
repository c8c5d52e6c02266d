import { expect, test } from '@jest/globals'
import { startCluster, type TestCluster } from '../cli-harness.ts'

interface Shown {
  readonly messageId: string
  readonly topic: string
  readonly body?: string
  readonly properties: Readonly<Record<string, string>>
  readonly copies: readonly {
    readonly kind: string
    readonly topic: string
    readonly groups: readonly { readonly group: string; readonly state: string; readonly attempts: number }[] | null
  }[]
}

interface Traced {
  readonly events: readonly { readonly event: string; readonly text: string; readonly group?: string }[]
}

async function sendOne({ rmq }: TestCluster, command: string): Promise<string> {
  const { messages } = (await rmq(`${command} --json`)).json<{ messages: { messageId: string }[] }>()
  return messages[0]?.messageId ?? ''
}

test('message show: properties, body and every copy with its state per group; without --topic as well', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  const { rmq, advance } = cluster
  await rmq('topic create orders --queues 1')
  await rmq('group create billing --max-attempts 1')
  const id = await sendOne(cluster, 'send orders Hello --tag created --key 4711 --property region=eu')
  await rmq('receive orders --group billing --no-ack --invisible 1s')
  await advance(5_000)
  await rmq('receive orders --group mail')
  await rmq('receive orders --group audit --no-ack --invisible 10m')
  const shown = await rmq(`message show ${id}`)
  expect([shown.code, shown.err]).toEqual([0, ''])
  expect(shown.out).toContain(`Message   ${id}\nTopic     orders\nTag       created\nKeys      4711\n`)
  expect(shown.out).toContain('- region  eu\n')
  expect(shown.out).toMatch(/billing: dead: attempts used up, or given up 2026-/)
  expect(shown.out).toMatch(/mail: acknowledged 2026-01-01 00:00:\d\dZ\n/)
  expect(shown.out).toMatch(/audit: in flight until 2026-01-01 00:1\d:\d\dZ, attempt 1\n/)
  expect(shown.out).toMatch(/\ndead of billing {2}broker-[ab]\/%DLQ%billing\/0@0 {2}2026-/)
  expect(shown.out.endsWith('\nHello\n')).toBe(true)
  expect((await rmq(`message show ${id} --topic orders --hex`)).out).toContain('00000000  48 65 6c 6c 6f')
  const document = (await rmq(`message show ${id} --json`)).json<Shown>()
  expect(document).toMatchObject({ messageId: id, topic: 'orders', body: 'Hello', properties: { region: 'eu' } })
  expect(document.copies.map(({ kind }) => kind)).toEqual(['message', 'dead'])
  expect(document.copies[0]?.groups?.map(({ group, state }) => `${group} ${state}`).sort()).toEqual([
    'audit in-flight',
    'billing settled',
    'mail settled',
  ])
})

test('message trace: sent, stored, given out twice, acknowledged → a timeline with times, group and client', async () => {
  const cluster = await startCluster()
  const { rmq, advance } = cluster
  await rmq('topic create orders --queues 1')
  const id = await sendOne(cluster, 'send orders Hello')
  await rmq('receive orders --group billing --no-ack --invisible 1s')
  await advance(5_000)
  await rmq('receive orders --group billing')
  const traced = await rmq(`message trace ${id}`)
  expect([traced.code, traced.err]).toEqual([0, ''])
  const lines = traced.out.split('\n').slice(3)
  expect(lines.map((line) => line.replace(/^\S+ \S+ +\+\S+ +/, '').replaceAll(/\d\d:\d\d:\d\dZ/g, 'T'))).toEqual([
    expect.stringMatching(/^TIME +AFTER +EVENT +GROUP +CLIENT$/),
    expect.stringMatching(/^sent +\S+:\d+$/),
    'stored: broker-a/orders/0@0',
    expect.stringMatching(/^delivered, attempt 1 until 2026-01-01 T +billing +\S+:\d+$/),
    expect.stringMatching(/^invisible time over +billing$/),
    expect.stringMatching(/^delivered, attempt 2 until 2026-01-01 T +billing +\S+:\d+$/),
    expect.stringMatching(/^acknowledged +billing$/),
    '',
  ])
  const { events } = (await rmq(`message trace ${id} --json`)).json<Traced>()
  expect(events.map(({ event }) => event)).toEqual([
    'sent',
    'stored',
    'delivered',
    'released',
    'delivered',
    'acknowledged',
  ])
})

test('message trace: a delayed message, recalled → when it was stored, when recalled, and never delivered', async () => {
  const cluster = await startCluster()
  const { rmq, advance } = cluster
  await rmq('topic create reminders --queues 1 --type DELAY')
  const { messages } = (await rmq('send reminders never --delay 30s --json')).json<{
    messages: { messageId: string; recallHandle: string }[]
  }>()
  const [{ messageId, recallHandle } = { messageId: '', recallHandle: '' }] = messages
  await rmq(`timer recall ${recallHandle}`)
  await advance(60_000)
  const { events } = (await rmq(`message trace ${messageId} --json`)).json<Traced>()
  expect(events.map(({ text }) => text.replace(/: .*/, ''))).toEqual([
    'sent',
    'stored until it is due',
    'recall stored',
  ])
})

test('message show: an id that nobody knows, a topic that is not there, a broker away → said so, exit code 1', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  const { rmq, partition } = cluster
  await rmq('topic create orders --queues 1')
  const ids = [await sendOne(cluster, 'send orders Hello'), await sendOne(cluster, 'send orders Hello')]
  for (const command of ['show', 'trace']) {
    expect(await rmq(`message ${command} nonsense`)).toMatchObject({
      code: 1,
      err: expect.stringContaining("no broker has a message with id 'nonsense'\nIt may be expired"),
    })
    expect(await rmq(`message ${command} nonsense --topic none`)).toMatchObject({
      code: 1,
      err: expect.stringContaining("no broker has topic 'none'"),
    })
    expect((await rmq(`message ${command}`)).code).toBe(2)
  }
  partition('broker-b')
  const [first = '', second = ''] = ids
  const shown = [await rmq(`message show ${first} --json`), await rmq(`message show ${second} --json`)]
  expect(shown.map(({ code }) => code)).toEqual([1, 1])
  expect(shown.map(({ err }) => err)).toEqual([
    expect.stringContaining('broker broker-b, registered as '),
    expect.stringContaining('broker broker-b, registered as '),
  ])
  expect(shown.filter(({ out }) => out !== '').length).toBe(1)
  expect(shown.some(({ err }) => err.includes("no broker that answered has a message with id '"))).toBe(true)
})

test('message show: an id that names a place in a log, as brokers make them, or in a queue → the message there', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create orders --queues 1')
  await rmq('send orders Hello --key 4711')
  const { brokers } = (await rmq('cluster status --json')).json<{ brokers: { address: string }[] }>()
  const { messages } = (await rmq('message query --topic orders --key 4711 --json')).json<{
    messages: { messageId: string; commitLogOffset: number }[]
  }>()
  const [host = '', port = ''] = (brokers[0]?.address ?? '').split(':')
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
  const octets = host.split('.').map((octet) => hex(Number(octet), 2))
  const offsetId = `${octets.join('')}${hex(Number(port), 8)}${hex(messages[0]?.commitLogOffset ?? 0, 16)}`
  const byPlace = (await rmq('message show broker-a/orders/0@0 --json')).json<Shown>()
  expect(byPlace).toMatchObject({ messageId: messages[0]?.messageId, body: 'Hello' })
  for (const id of ['broker-a/orders/0@9', 'broker-z/orders/0@0']) {
    expect((await rmq(`message show ${id}`)).err).toContain(`has a message with id '${id}'`)
  }
  const shown = (await rmq(`message show ${offsetId.toUpperCase()} --json`)).json<Shown>()
  expect(shown).toMatchObject({ messageId: messages[0]?.messageId, body: 'Hello' })
})

test('message trace: a half message that nobody decides → where it waits; consumers of its topic have nothing of it', async () => {
  const cluster = await startCluster()
  const { rmq, advance } = cluster
  await rmq('topic create orders --queues 1 --type TRANSACTION')
  const id = await sendOne(cluster, 'send orders half --key 4711 --property TRAN_MSG=true --property PGROUP=p')
  await advance(1_000)
  expect((await rmq('receive orders --group g --wait 1s')).out).toBe('')
  const shown = (await rmq(`message show ${id} --json`)).json<Shown>()
  expect([shown.topic, shown.body]).toEqual(['orders', 'half'])
  expect(shown.copies.map(({ kind }) => kind)).toEqual(['half'])
  expect((await rmq(`message show ${id}`)).out).toMatch(/undecided until 2026-/)
  const { events } = (await rmq(`message trace ${id} --json`)).json<Traced>()
  expect(events.map(({ text }) => text)).toEqual([
    'sent',
    'stored as a half message: broker-a/RMQ_SYS_TRANS_HALF_TOPIC/0@0',
    'waits for the decision of its producer',
  ])
})
