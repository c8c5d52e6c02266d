import { expect, test } from '@jest/globals'
import { startCluster, type TestCluster } from '../cli-harness.ts'

interface DeadLetter {
  readonly messageId: string
  readonly topic: string
  readonly keys: readonly string[]
  readonly attempts: number
  readonly resent: boolean | null
  readonly bodyBytes: number
}

interface Resent {
  readonly resent: number
  readonly skipped: number
  readonly messages: readonly { readonly messageId: string; readonly newMessageId: string; readonly outcome: string }[]
}

interface Message {
  readonly messageId: string
  readonly body: string
  readonly tag?: string
  readonly keys: readonly string[]
  readonly properties: Readonly<Record<string, string>>
}

/** Messages of `orders` that the group billing has given up after two deliveries. */
async function killMessages({ rmq, advance }: TestCluster, count: number): Promise<void> {
  await rmq('topic create orders --queues 1')
  await rmq('group create billing --max-attempts 2')
  for (let index = 0; index < count; index += 1) {
    await rmq(`send orders m${index} --tag created --key k${index} --property region=eu`)
  }
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await rmq(`receive orders --group billing --no-ack --invisible 1s --max ${count}`)
    await advance(5_000)
  }
}

async function listed({ rmq }: TestCluster, options = ''): Promise<readonly DeadLetter[]> {
  return (await rmq(`dlq list billing --json ${options}`)).json<{ deadLetters: DeadLetter[] }>().deadLetters
}

async function received({ rmq }: TestCluster, group: string): Promise<readonly Message[]> {
  return (await rmq(`receive orders --group ${group} --json --max 100 --wait 1s`)).json<{ messages: Message[] }>()
    .messages
}

test('dlq list: dead letters of a group → time, topic, id, keys, attempts; narrowed by topic, time and number', async () => {
  const cluster = await startCluster()
  await killMessages(cluster, 3)
  const lines = (await cluster.rmq('dlq list billing')).out.split('\n')
  expect(lines[0]).toMatch(/^DEAD SINCE +TOPIC +ID +TAG +KEYS +ATTEMPTS +RESENT$/)
  expect(lines[1]).toMatch(/^2026-01-01 00:00:\d\dZ {2}orders {2}01[0-9A-F]{32} {2}created {2}k0 +2 {2}no$/)
  expect((await listed(cluster)).map(({ keys, bodyBytes }) => [keys[0], bodyBytes])).toEqual([
    ['k0', 2],
    ['k1', 2],
    ['k2', 2],
  ])
  expect((await listed(cluster, '--max 2')).map(({ keys }) => keys[0])).toEqual(['k1', 'k2'])
  expect(await listed(cluster, '--topic other')).toEqual([])
  expect(await listed(cluster, '--to 1h')).toEqual([])
  const none = await cluster.rmq('dlq list nobody')
  expect([none.code, none.err]).toEqual([1, expect.stringContaining("no broker has group 'nobody'")])
  await cluster.rmq('group create fresh')
  expect(await cluster.rmq('dlq list fresh')).toMatchObject({ code: 0, out: 'Group fresh has no dead letters.\n' })
})

test('dlq show: one of them → its properties, attempts and body; one that is none → said so', async () => {
  const cluster = await startCluster()
  await killMessages(cluster, 1)
  const [letter] = await listed(cluster)
  const shown = await cluster.rmq(`dlq show billing ${letter?.messageId}`)
  expect(shown.code).toBe(0)
  expect(shown.out).toContain('Topic     orders\nTag       created\nKeys      k0\nAttempts  2\n')
  expect(shown.out.endsWith('\nm0\n')).toBe(true)
  const none = await cluster.rmq('dlq show billing nonsense')
  expect([none.code, none.err]).toEqual([1, expect.stringContaining("has a message with id 'nonsense'")])
})

test('dlq resend: one by its id → its topic gets it under a new id, with its properties and the origin; again → skipped', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  const { rmq } = cluster
  await killMessages(cluster, 2)
  await received(cluster, 'mail')
  const [letter] = await listed(cluster)
  const body = letter?.keys[0]?.replace('k', 'm')
  const first = await rmq(`dlq resend billing ${letter?.messageId} --yes --json`)
  const { messages, ...counts } = first.json<Resent>()
  expect([first.code, counts]).toMatchObject([0, { resent: 1, skipped: 0 }])
  for (const group of ['billing', 'mail']) {
    expect(await received(cluster, group)).toMatchObject([
      { messageId: messages[0]?.newMessageId, body, tag: 'created', keys: letter?.keys, properties: { region: 'eu' } },
    ])
  }
  const shown = (await rmq(`message show ${messages[0]?.newMessageId} --json`)).json<{
    systemProperties: Record<string, string>
  }>()
  expect(shown.systemProperties).toMatchObject({ ORIGIN_MESSAGE_ID: letter?.messageId })
  expect(shown.systemProperties).not.toHaveProperty('DLQ_ORIGIN_TOPIC')
  expect((await listed(cluster)).map(({ resent }) => resent)).toEqual([true, false])
  const second = await rmq(`dlq resend billing ${letter?.messageId} --yes`)
  expect(second).toMatchObject({
    code: 0,
    out: '0 dead letters of billing sent again, 1 skipped: sent before (--again sends them anyway).\n',
  })
  expect(await received(cluster, 'mail')).toEqual([])
  expect((await rmq(`dlq resend billing ${letter?.messageId} --again --yes --json`)).json()).toMatchObject({
    resent: 1,
  })
  expect(await received(cluster, 'mail')).toMatchObject([{ body }])
})

test('dlq resend: one of a message group → to the queue where all of its group are', async () => {
  const cluster = await startCluster()
  const { rmq, advance } = cluster
  await rmq('topic create orders --type FIFO --queues 8')
  await rmq('group create billing --max-attempts 2')
  for (const group of ['group-1', 'order-42', 'fifo']) await rmq(`send orders of-${group} --message-group ${group}`)
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await rmq('receive orders --group billing --no-ack --invisible 1s --max 3')
    await advance(5_000)
  }
  expect((await rmq('dlq resend billing --all --yes')).code).toBe(0)
  const messages = (await received(cluster, 'audit')) as readonly (Message & { readonly queueId: number })[]
  const places = messages.map(({ body, queueId }) => `${body} ${queueId}`).sort()
  const each = ['of-fifo 5', 'of-group-1 7', 'of-order-42 3']
  expect(places).toEqual(each.flatMap((place) => [place, place]))
})

test('dlq resend: all, with a limit, then the rest → each once; a dry run before → nothing is sent', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  const { rmq } = cluster
  await killMessages(cluster, 40)
  await received(cluster, 'mail')
  const dry = await rmq('dlq resend billing --all --dry-run --limit 3')
  expect([dry.code, dry.out.split('\n').length]).toEqual([0, 5])
  expect(dry.out).toMatch(/^01[0-9A-F]{32} would go to orders as 01[0-9A-F]{32}\.\n/)
  expect(dry.out.endsWith('3 dead letters of billing would be sent again.\n')).toBe(true)
  expect(await received(cluster, 'mail')).toEqual([])
  expect((await rmq('dlq resend billing --all --limit 3 --yes --json')).json()).toMatchObject({ resent: 3, skipped: 0 })
  expect((await rmq('dlq resend billing --all --yes --json')).json()).toMatchObject({ resent: 37, skipped: 3 })
  const bodies = (await received(cluster, 'mail')).map(({ body }) => body)
  expect(bodies.toSorted()).toEqual(Array.from({ length: 40 }, (_, index) => `m${index}`).toSorted())
})

test('dlq resend: interrupted in between, then run again → each is sent once', async () => {
  const cluster = await startCluster()
  const { rmq } = cluster
  await killMessages(cluster, 40)
  await received(cluster, 'mail')
  const stopped = await rmq('dlq resend billing --all --yes', {
    tty: true,
    interruptWhen: (text) => text.includes('%'),
  })
  expect(stopped.code).toBe(130)
  const before = (await received(cluster, 'mail')).length
  expect(before).toBeLessThan(40)
  expect((await rmq('dlq resend billing --all --yes --json')).json()).toMatchObject({ resent: 40 - before })
  expect((await received(cluster, 'mail')).length).toBe(40 - before)
})

test('dlq resend: what is asked is wrong, nobody says yes, a broker is away, the topic is gone → nothing is sent', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  const { rmq, partition } = cluster
  await killMessages(cluster, 2)
  const faults = [
    ['dlq resend billing', 2, 'Name their ids, or say --all.'],
    ['dlq resend billing abc --all', 2, 'Name their ids, or say --all.'],
    ['dlq resend billing --all --limit 0', 2, '--limit'],
    ['dlq resend nobody --all --yes', 1, "no broker has group 'nobody'"],
    ['dlq resend billing nonsense --yes', 1, "group billing has no dead letter 'nonsense'"],
  ] as const
  for (const [command, code, text] of faults) {
    const ended = await rmq(command)
    expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(text)])
  }
  const asked = await rmq('dlq resend billing --all', { tty: true, answer: 'n' })
  expect([asked.code, asked.err]).toEqual([1, expect.stringContaining('Send 2 dead letters of billing to the topics')])
  const piped = await rmq('dlq resend billing --all', { stdin: '' })
  expect([piped.code, piped.err]).toEqual([2, expect.stringContaining('Add --yes.')])
  await rmq('topic delete orders --yes')
  const gone = await rmq('dlq resend billing --all --yes')
  expect([gone.code, gone.err]).toEqual([
    1,
    expect.stringContaining("topic 'orders' that dead letters came from does not exist"),
  ])
  partition('broker-b')
  const away = await rmq('dlq resend billing --all --yes')
  expect([away.code, away.err]).toEqual([1, expect.stringContaining('Or say --again')])
})
