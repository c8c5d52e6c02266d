import { expect, test } from '@jest/globals'
import { startCluster } from '../cli-harness.ts'

interface Copy {
  readonly messageId: string
  readonly kind: string
  readonly group?: string
  readonly topic: string
  readonly brokerName: string
  readonly keys: readonly string[]
}

test('message query: by key → the messages with it of both brokers, and no others', async () => {
  const { rmq } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create orders --queues 1')
  await rmq('send orders one --key 4711 --key eu')
  await rmq('send orders other --key 4712')
  await rmq('send orders two --key 4711')
  const found = await rmq('message query --topic orders --key 4711 --json')
  const { messages, cut } = found.json<{ messages: Copy[]; cut: boolean }>()
  expect([found.code, cut]).toEqual([0, false])
  expect(messages.map(({ keys }) => keys)).toEqual([['4711', 'eu'], ['4711']])
  expect(messages.map(({ kind, topic }) => [kind, topic])).toEqual([
    ['message', 'orders'],
    ['message', 'orders'],
  ])
  const lines = (await rmq('message query --topic orders --key 4712')).out.split('\n')
  expect(lines[0]).toMatch(/^STORED +ID +KIND +PLACE +TAG +KEYS$/)
  expect(lines[1]).toMatch(/^2026-01-01 00:00:\d\dZ {2}01[0-9A-F]{32} {2}message {2}broker-[ab]\/orders\/0@\d +4712$/)
})

test('message query: by id → the message, its dead letter and its group; of a delayed one also where it waited', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create orders --queues 1')
  await rmq('group create billing --max-attempts 1')
  await rmq('send orders lost --key 4711')
  const { messages: sent } = (await rmq('receive orders --group billing --no-ack --invisible 1s --json')).json<{
    messages: Copy[]
  }>()
  await advance(5_000)
  const id = sent[0]?.messageId ?? ''
  const dead = (await rmq(`message query --topic orders --id ${id} --json`)).json<{ messages: Copy[] }>()
  expect(dead.messages.map(({ kind, topic, group }) => [kind, topic, group])).toEqual([
    ['message', 'orders', undefined],
    ['dead', '%DLQ%billing', 'billing'],
  ])
  await rmq('topic create reminders --queues 1 --type DELAY')
  await rmq('send reminders later --key 4711 --delay 30s')
  await advance(31_000)
  const delayed = (await rmq('message query --topic reminders --key 4711 --json')).json<{ messages: Copy[] }>()
  expect(delayed.messages.map(({ kind }) => kind)).toEqual(['delayed', 'message'])
})

test('message query: a broker is away → it is named, the messages of the others are shown, exit code 1', async () => {
  const { rmq, partition } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create orders --queues 1')
  await rmq('send orders hello --key 4711 --count 2')
  partition('broker-b')
  const found = await rmq('message query --topic orders --key 4711 --json')
  expect(found.code).toBe(1)
  expect(found.err).toContain('broker broker-b, registered as ')
  expect(found.json<{ messages: Copy[] }>().messages.map(({ brokerName }) => brokerName)).toEqual(['broker-a'])
})

test('message query: a window of time → only what was stored in it; nothing found → says so, exit code 1', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create orders --queues 1')
  await rmq('send orders early --key 4711')
  await advance(600_000)
  await rmq('send orders late --key 4711')
  const within = async (window: string) => {
    const found = await rmq(`message query --topic orders --key 4711 --json ${window}`)
    return found.json<{ messages: Copy[] }>().messages.length
  }
  expect(await within('')).toBe(2)
  expect(await within('--from 5m')).toBe(1)
  expect(await within('--to 5m')).toBe(1)
  expect(await within('--from 2026-01-01T00:00:00Z --to 2026-01-01T02:05:00+02:00')).toBe(1)
  const none = await rmq('message query --topic orders --key 4713')
  expect([none.code, none.out]).toEqual([1, ''])
  expect(none.err).toContain('no message of orders found: it may be expired, or never have been stored')
})

test('message query: what is asked is wrong → named, with what to do', async () => {
  const { rmq } = await startCluster()
  const faults = [
    ['message query --topic orders', 2, 'Name one of --id <id> and --key <key>, or a time'],
    ['message query --topic orders --id a --key b', 2, 'Name one of --id <id> and --key <key>, or a time'],
    ['message query --key a', 2, "required option '--topic <topic>' not specified"],
    ['message query --topic orders --key a --from yesterday', 2, '--from'],
    ['message query --topic orders --key a --from 2026-01-31', 2, 'It must be of the form 2026-01-31T10:00:00Z.'],
    ['message query --topic orders --key a --from 5', 2, 'It has no unit: write 5s or 5ms.'],
    ['message query --topic orders --key a --from 1h --to 2h', 2, 'Swap them.'],
    ['message query --topic orders --key a --max 65', 2, '--max'],
    ['message query --topic orders --key a', 1, "no broker has topic 'orders'"],
  ] as const
  for (const [command, code, text] of faults) {
    const ended = await rmq(command)
    expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(text)])
  }
})

test('message query: by time alone → what was stored then at both brokers, the newest where there are more', async () => {
  const { rmq, advance } = await startCluster({ clusters: ['C', 'C'] })
  await rmq('topic create orders --queues 2')
  await rmq('send orders early --count 3')
  await advance(600_000)
  await rmq('send orders late --count 5')
  const found = async (window: string) => {
    const ended = await rmq(`message query --topic orders --json ${window}`)
    const { messages, cut } = ended.json<{ messages: (Copy & { storedMs: number })[]; cut: boolean }>()
    const times = messages.map(({ storedMs }) => storedMs)
    expect(times).toEqual(times.toSorted((left, right) => left - right))
    return [messages.length, cut]
  }
  expect(await found('--from 5m')).toEqual([5, false])
  expect(await found('--to 5m')).toEqual([3, false])
  expect(await found('--from 1h')).toEqual([8, false])
  expect(await found('--from 1h --max 2')).toEqual([2, true])
  expect((await rmq('message query --topic orders --from 1m --to 30s')).code).toBe(1)
})

test('message query: another topic has messages with the same key, and dead letters of them → they are no copies', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('group create billing --max-attempts 1')
  for (const topic of ['orders', 'orders2']) {
    await rmq(`topic create ${topic} --queues 1`)
    await rmq(`send ${topic} lost --key 4711`)
    await rmq(`receive ${topic} --group billing --no-ack --invisible 1s`)
  }
  await advance(5_000)
  const { messages } = (await rmq('message query --topic orders --key 4711 --json')).json<{ messages: Copy[] }>()
  expect(messages.map(({ kind }) => kind)).toEqual(['message', 'dead'])
  expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(1)
})
