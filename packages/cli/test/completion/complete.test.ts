import { expect, test } from '@jest/globals'
import { rmqAlone, startCluster } from '../cli-harness.ts'

/** The words that are offered for the last one. */
async function offered(words: readonly string[], run = rmqAlone): Promise<string[]> {
  const { code, out, err } = await run(['__complete', '--', ...words])
  expect([code, err]).toEqual([0, ''])
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '')
}

test('completion: commands, those below them, and what was begun', async () => {
  expect(await offered([''])).toEqual([
    'topic',
    'group',
    'send',
    'receive',
    'message',
    'dlq',
    'timer',
    'client',
    'cluster',
    'broker',
    'store',
    'completion',
    'help',
  ])
  expect(await offered(['topic', ''])).toEqual(['create', 'list', 'describe', 'delete'])
  expect(await offered(['topic', 'de'])).toEqual(['describe', 'delete'])
  expect(await offered(['completion', ''])).toEqual(['bash', 'zsh', 'fish'])
  expect(await offered(['nonsense', ''])).toEqual([
    'topic',
    'group',
    'send',
    'receive',
    'message',
    'dlq',
    'timer',
    'client',
    'cluster',
    'broker',
    'store',
    'completion',
    'help',
  ])
})

test('completion: options of the command and of all commands, and the values of those that have a list', async () => {
  expect(await offered(['topic', 'create', 't', '--'])).toEqual([
    '--queues',
    '--type',
    '--perm',
    '--retention',
    '--retention-bytes',
    '--retention-count',
    '--dedup',
    '--dedup-window',
    '--update',
    '--without-broker',
    '--broker',
    '--cluster',
    '--version',
    '--nameserver',
    '--json',
    '--timeout',
    '--help',
  ])
  expect(await offered(['topic', 'create', 't', '--type', 'F'])).toEqual(['FIFO'])
  expect(await offered(['topic', 'create', 't', '--perm', ''])).toEqual(['r', 'w', 'rw'])
  expect(await offered(['send', 't', '--file', ''])).toEqual([])
})

test('completion: names of the cluster → topics, groups and brokers, not those of the system', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create orders')
  await rmq('topic create returns')
  await rmq('group create billing')
  expect(await offered(['topic', 'describe', ''], rmq)).toEqual(['orders', 'returns'])
  expect(await offered(['send', 'o'], rmq)).toEqual(['orders'])
  expect(await offered(['receive', 'orders', '--group', ''], rmq)).toEqual(['billing'])
  expect(await offered(['broker', 'drain', ''], rmq)).toEqual(['broker-a'])
  expect(await offered(['topic', 'create', 't', '--cluster', ''], rmq)).toEqual(['DefaultCluster'])
})

test('completion: the line names a nameserver → that one is asked; nobody answers → nothing, and no message', async () => {
  const { rmq, nameServers } = await startCluster()
  await rmq('topic create orders')
  const nowhere = (words: readonly string[] | string) => rmq(words, { env: { RMQ_NAMESERVER: '10.9.9.9:1' } })
  expect(await offered(['topic', 'describe', ''], nowhere)).toEqual([])
  expect(await offered(['--nameserver', nameServers[0] ?? '', 'topic', 'describe', ''], nowhere)).toEqual(['orders'])
})

test.each(['bash', 'zsh', 'fish'])(
  'completion: the script for %s → asks rmq, and says how to source it',
  async (shell) => {
    const { code, out } = await rmqAlone(`completion ${shell}`)
    expect(code).toBe(0)
    expect(out).toContain('__complete --')
    expect(out).toContain(`rmq completion ${shell}`)
  },
)
