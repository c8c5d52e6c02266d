import { stripVTControlCharacters } from 'node:util'
import { expect, test } from '@jest/globals'
import { startCluster, type TestCluster } from '../cli-harness.ts'

/** Topic t with one queue of five messages, all of them consumed by g. */
async function consumed(cluster: TestCluster): Promise<void> {
  await cluster.rmq('topic create t --queues 1')
  await cluster.rmq('send t old --count 3')
  await cluster.advance(3_600_000)
  await cluster.rmq('send t new --count 2')
  await cluster.rmq('receive t --group g')
}

const bodies = (out: string) => out.split('\n').filter((line) => /^(old|new)$/.test(line))

test('group reset: to a time → shown from where to where, asked, done, and received again', async () => {
  const cluster = await startCluster()
  const { rmq } = cluster
  await consumed(cluster)
  const asked = await rmq('group reset g --to-time 30m', { tty: true, answer: 'y' })
  const lines = stripVTControlCharacters(asked.out).split('\n')
  expect(lines[0]).toMatch(/^To 2026-01-01 00:3\d:\d\dZ:$/)
  expect(lines.slice(1)).toEqual([
    'TOPIC  BROKER    QUEUE  FROM  TO  AGAIN  SKIPPED',
    't      broker-a      0     5   3      2        0',
    'Group g reset in 1 queue: 2 messages again, 0 skipped.',
    '',
  ])
  expect(asked).toMatchObject({ code: 0, err: 'Reset group g in 1 queue: 2 messages again, 0 skipped? [y/N] ' })
  expect(bodies((await rmq('receive t --group g')).out)).toEqual(['new', 'new'])
})

test('group reset: a dry run, or no as the answer → nothing changes', async () => {
  const cluster = await startCluster()
  const { rmq } = cluster
  await consumed(cluster)
  expect((await rmq('group reset g --min --dry-run')).out).toContain(
    'Nothing was changed: 5 messages again, 0 skipped.',
  )
  const refused = await rmq('group reset g --min', { tty: true, answer: 'n' })
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.err).toContain('Nothing was changed.')
  expect(await rmq('group reset g --min', { stdin: '' })).toMatchObject({ code: 2 })
  expect(bodies((await rmq('receive t --group g --wait 0s')).out)).toEqual([])
})

test('group reset: --json → one document, with the bounds of each queue', async () => {
  const cluster = await startCluster()
  const { rmq } = cluster
  await consumed(cluster)
  const queue = { topic: 't', brokerName: 'broker-a', queueId: 0, from: 5, to: 0, minOffset: 0, maxOffset: 5 }
  const document = { group: 'g', again: 5, skipped: 0, queues: [queue] }
  expect((await rmq('group reset g --min --dry-run --json')).json()).toEqual({ ...document, dryRun: true })
  expect((await rmq('group reset g --min --yes --json')).json()).toEqual({ ...document, dryRun: false })
  expect((await rmq('group describe g --json')).json()).toMatchObject({ lag: 5 })
})

test('group reset: to an offset of a queue → exactly there; outside of it → refused, and nothing changes', async () => {
  const cluster = await startCluster()
  const { rmq } = cluster
  await consumed(cluster)
  const to = (offset: number) => rmq(`group reset g --topic t --queue 0 --to-offset ${offset} --yes`)
  expect(await to(6)).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining("--to-offset 6: queue 0 of 't' on broker-a holds 0 to 5"),
  })
  expect(await to(5)).toMatchObject({ code: 0 })
  expect(await to(0)).toMatchObject({ code: 0 })
  expect(await to(4)).toMatchObject({ code: 0 })
  expect(bodies((await rmq('receive t --group g')).out)).toEqual(['new'])
})

test('group reset: --skip → what waits in topic and retry topic does not come; --max leaves the retry topic alone', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('topic create %RETRY%g_t --queues 1')
  await rmq('send t hello --count 3')
  await rmq('send %RETRY%g_t again')
  await rmq('receive t --group g --no-ack --invisible 1s')
  await advance(2000)
  const max = await rmq('group reset g --max --yes')
  expect(max.out).toContain('Group g reset in 1 queue: 0 messages again, 3 skipped.')
  const skip = await rmq('group reset g --skip --topic t --dry-run --json')
  expect(skip.json()).toMatchObject({ queues: [{ topic: '%RETRY%g_t' }, { topic: 't' }] })
  expect(await rmq('group reset g --skip --yes')).toMatchObject({ code: 0 })
  expect((await rmq('receive t --group g --wait 0s')).out).toBe('')
  expect((await rmq('group describe g --json')).json()).toMatchObject({ lag: 0 })
})

test('group reset: a topic that the group has not consumed → it begins there', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('send t hello --count 3')
  await rmq('group create g')
  expect(await rmq('group reset g --max --yes')).toMatchObject({
    code: 1,
    err: expect.stringContaining("group 'g' has consumed nothing yet"),
  })
  expect((await rmq('group reset g --topic t --max --yes')).out).toContain(
    't      broker-a      0     -   3      0        0',
  )
  expect((await rmq('receive t --group g --wait 0s')).out).toBe('')
})

test('group reset: several brokers → each queue of each; one of them is gone → the others are reset, exit code 1', async () => {
  const { rmq, partition } = await startCluster({ clusters: ['c', 'c'] })
  await rmq('topic create t --queues 2')
  await rmq('send t hello --count 8')
  await rmq('group create g')
  expect((await rmq('group reset g --topic t --max --yes')).out).toContain('reset in 4 queues')
  expect(await rmq('group reset g --topic t --queue 0 --to-offset 0 --yes')).toMatchObject({
    code: 2,
    err: expect.stringContaining("queue 0 of 't' is on broker-a, broker-b"),
  })
  expect(await rmq('group reset g --topic t --queue 0 --to-offset 0 --yes --broker broker-b')).toMatchObject({
    code: 0,
  })
  partition('broker-b')
  const partly = await rmq('group reset g --topic t --min --yes')
  expect(partly.code).toBe(1)
  expect(partly.out).toContain('Group g reset in 2 queues')
  expect(partly.err).toContain('broker-b')
})

test('group reset: no target, several, or ones that need more → exit code 2; unknown group or topic → exit code 1', async () => {
  const { rmq } = await startCluster()
  await rmq('group create g')
  expect(await rmq('group reset g')).toMatchObject({ code: 2, err: expect.stringContaining('where to is missing') })
  expect(await rmq('group reset g --min --max')).toMatchObject({ code: 2 })
  expect(await rmq('group reset g --to-offset 3 --topic t')).toMatchObject({ code: 2 })
  expect(await rmq('group reset g --min --queue 0')).toMatchObject({ code: 2 })
  expect(await rmq('group reset g --to-time yesterday')).toMatchObject({ code: 2 })
  expect(await rmq('group reset g --min --topic nope --yes')).toMatchObject({
    code: 1,
    err: expect.stringContaining("'nope'"),
  })
  expect(await rmq('group reset nope --min --yes')).toMatchObject({ code: 1, err: expect.stringContaining("'nope'") })
})
