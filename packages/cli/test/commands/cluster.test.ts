import { expect, test } from '@jest/globals'
import { startCluster } from '../cli-harness.ts'

interface Status {
  readonly nameservers: readonly { readonly reachable: boolean }[]
  readonly brokers: readonly { readonly brokerName: string; readonly drained: boolean; readonly reachable: boolean }[]
}

test('cluster status: all is well → nameservers and brokers, exit code 0', async () => {
  const { rmq, nameServers } = await startCluster({ nameServers: 2, clusters: ['east', 'west'] })
  const { code, out } = await rmq('cluster status')
  expect(code).toBe(0)
  expect(out.split('\n')).toEqual([
    'NAMESERVER     STATE',
    `${nameServers[0]}  ok, 2 brokers`,
    `${nameServers[1]}  ok, 2 brokers`,
    '',
    expect.stringMatching(/^CLUSTER {2}BROKER {4}ROLE {4}ADDRESS {9}VERSION {12}UP {2}IN\/S {2}OUT\/S {2}STATE$/),
    expect.stringMatching(
      /^east {5}broker-a {2}master {2}10\.0\.0\.3:10911 {2}rocketmq-ts \S+ +\S+ +0\.0 +0\.0 {2}ok$/,
    ),
    expect.stringMatching(
      /^west {5}broker-b {2}master {2}10\.0\.0\.4:10911 {2}rocketmq-ts \S+ +\S+ +0\.0 +0\.0 {2}ok$/,
    ),
    '',
  ])
})

test('cluster status: traffic → messages per second, in and out', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create t')
  await rmq('send t hello --count 50')
  await rmq('receive t --group g --max 20')
  await advance(1000)
  expect((await rmq('cluster status --json')).json()).toMatchObject({
    brokers: [
      { brokerName: 'broker-a', brokerId: 0, messagesInPerSecond: 5, messagesOutPerSecond: 2, accepting: true },
    ],
  })
})

test('cluster status: a nameserver is dead → named with the cause, exit code 1', async () => {
  const { rmq, kill, nameServers } = await startCluster({ nameServers: 2 })
  kill('nameserver-1')
  const { code, out } = await rmq('cluster status')
  expect(code).toBe(1)
  expect(out).toContain(`${nameServers[0]}  ok, 1 broker\n`)
  expect(out).toContain(`${nameServers[1]}  no nameserver answers`)
})

test('cluster status: no nameserver answers → exit code 1; which address, where it was set, and what to do', async () => {
  const { rmq, kill, nameServers } = await startCluster()
  kill('nameserver-0')
  const { code, out, err } = await rmq('cluster status')
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain(`rmq: the nameserver at ${nameServers[0]} does not answer (address from RMQ_NAMESERVER): `)
  expect(err).toContain('Or name your nameserver: --nameserver host:port, or RMQ_NAMESERVER=host:port.')
  const flag = await rmq('cluster status --nameserver 10.0.0.9:1')
  expect(flag.err).toContain('(address from --nameserver)')
  const unset = await rmq('cluster status', { env: { RMQ_NAMESERVER: '' } })
  expect(unset.err).toContain('the nameserver at 127.0.0.1:9876 does not answer (address from the default)')
})

test('cluster status: the variable is no address → usage error that names it', async () => {
  const { rmq } = await startCluster()
  expect(await rmq('cluster status', { env: { RMQ_NAMESERVER: 'localhost' } })).toMatchObject({
    code: 2,
    err: "rmq: RMQ_NAMESERVER is 'localhost'. 'localhost' is not of the form host:port.\n",
  })
})

test('broker drain: nothing waits → drained at every nameserver, seen by status and by producers; --undo → back', async () => {
  const { rmq } = await startCluster({ nameServers: 2, clusters: ['C', 'C'] })
  await rmq('topic create t --queues 1')
  expect(await rmq('broker drain broker-a')).toMatchObject({
    code: 0,
    out:
      'Broker broker-a is drained at 2 of 2 nameservers: producers notice within 30 s.\n' +
      'No group waits for a message of it: it can be stopped.\n',
    err: 'back again with: rmq broker drain broker-a --undo\n',
  })
  const status = async () => (await rmq('cluster status --json')).json<Status>().brokers.map(({ drained }) => drained)
  expect(await status()).toEqual([true, false])
  expect((await rmq('send t hello --count 4')).out).toContain('broker-b      0         4')
  expect((await rmq('broker drain broker-a --undo')).out).toBe(
    'Broker broker-a takes messages again, says 2 of 2 nameservers.\n',
  )
  expect(await status()).toEqual([false, false])
  expect((await rmq('send t hello --count 4')).out).toContain('broker-a      0         2')
})

test('broker drain: nothing waits yet → it goes on looking until no producer can send any more', async () => {
  const cluster = await startCluster()
  await cluster.rmq('topic create t --queues 1')
  await cluster.rmq('send t hello')
  await cluster.rmq('receive t --group g --max 1')
  const { ended } = cluster.start('broker drain broker-a')
  await cluster.advance(25_000)
  await cluster.rmq('broker drain broker-a --undo')
  await cluster.rmq('send t late --count 2')
  await cluster.advance(10_000)
  await cluster.rmq('receive t --group g')
  const { code, out } = await cluster.settled(ended)
  expect([code, out.split('\n')[1]]).toEqual([0, '2 messages left: 2 of t for g.'])
})

test('broker drain: a nameserver is started anew meanwhile → it hears of it, too', async () => {
  const cluster = await startCluster()
  await cluster.rmq('topic create t --queues 1')
  await cluster.rmq('send t hello --count 2')
  await cluster.rmq('receive t --group g --max 1')
  const { interrupt, ended } = cluster.start('broker drain broker-a')
  await cluster.advance(1000)
  await cluster.rmq('broker drain broker-a --undo')
  await cluster.advance(15_000)
  const status = (await cluster.rmq('cluster status --json')).json<Status>()
  expect(status.brokers.map(({ drained }) => drained)).toEqual([true])
  interrupt()
  expect((await ended).code).toBe(130)
})

test('broker drain: many groups wait → the first ones are named, all are counted', async () => {
  const cluster = await startCluster()
  await cluster.rmq('topic create t --queues 1')
  await cluster.rmq('send t hello --count 2')
  for (let index = 0; index < 10; index += 1) await cluster.rmq(`receive t --group g${index} --max 1`)
  const { out } = await cluster.rmq('broker drain broker-a', { interruptWhen: (text) => text.includes('left') })
  expect(out).toContain('10 messages left: 1 of t for g0, ')
  expect(out).toContain('1 of t for g7, and 2 more.')
})

test('broker drain: messages wait → shown until they are consumed', async () => {
  const cluster = await startCluster()
  await cluster.rmq('topic create t --queues 1')
  await cluster.rmq('send t hello --count 3')
  await cluster.rmq('receive t --group g --max 1')
  const { ended } = cluster.start('broker drain broker-a')
  await cluster.advance(5000)
  await cluster.rmq('receive t --group g --max 1')
  await cluster.advance(5000)
  await cluster.rmq('receive t --group g')
  const { code, out } = await cluster.settled(ended)
  expect(code).toBe(0)
  expect(out.split('\n').slice(1)).toEqual([
    '2 messages left: 2 of t for g.',
    '1 message left: 1 of t for g.',
    'No group waits for a message of it: it can be stopped.',
    '',
  ])
})

test('broker drain: Ctrl-C while messages wait → exit code 130, and it stays drained; --no-wait → looks once', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('send t hello --count 2')
  await rmq('receive t --group g --max 1')
  const interrupted = await rmq('broker drain broker-a', { interruptWhen: (out) => out.includes('left') })
  expect(interrupted.code).toBe(130)
  expect(await rmq('broker drain broker-a --no-wait --json').then((ended) => [ended.code, ended.json()])).toEqual([
    0,
    {
      broker: 'broker-a',
      drained: true,
      nameservers: [{ address: expect.any(String), topics: 5 }],
      backlog: 1,
      groups: [{ group: 'g', topic: 't', messages: 1 }],
    },
  ])
})

test('broker drain: Ctrl-C before producers have noticed → exit code 130, and nothing says that it can be stopped', async () => {
  const cluster = await startCluster()
  await cluster.rmq('topic create t --queues 1')
  const { interrupt, ended } = cluster.start('broker drain broker-a')
  await cluster.advance(5000)
  interrupt()
  const { code, out } = await ended
  expect([code, out]).toEqual([130, 'Broker broker-a is drained at 1 of 1 nameserver: producers notice within 30 s.\n'])
})

test('broker drain: --no-wait → what it found, and no promise for later', async () => {
  const { rmq } = await startCluster()
  await rmq('topic create t --queues 1')
  await rmq('send t hello --count 2')
  expect((await rmq('broker drain broker-a --no-wait')).out).toContain('\nNo group waits for a message of it now.\n')
  await rmq('receive t --group g --max 1')
  expect((await rmq('broker drain broker-a --no-wait')).out).toContain('\n1 message left: 1 of t for g.\n')
})

test('broker drain: a name that is not there → exit code 1, with those that are; a dead nameserver → named', async () => {
  const { rmq, kill, nameServers } = await startCluster({ nameServers: 2 })
  expect(await rmq('broker drain nope')).toMatchObject({
    code: 1,
    err: "rmq: no master of broker 'nope' is registered\nRegistered: broker-a.\n",
  })
  kill('nameserver-1')
  const ended = await rmq('broker drain broker-a')
  expect(ended.code).toBe(1)
  expect(ended.out).toContain('drained at 1 of 2 nameservers')
  expect(ended.err).toContain(`nameserver ${nameServers[1]} still names it to producers: `)
})

test('a nameserver that is none → exit code 1, it is named, and how to name the right one', async () => {
  const { rmq } = await startCluster()
  const status = (await rmq('cluster status --json')).json<{ brokers: { address: string }[] }>()
  const broker = status.brokers[0]!.address
  const ended = await rmq(`topic list --nameserver ${broker}`)
  expect(ended.code).toBe(1)
  expect(ended.err).toContain(`rmq: ${broker} is no nameserver (address from --nameserver): `)
  expect(ended.err).toContain('Name the nameserver, port 9876 unless it was changed: --nameserver host:port')
})

test('Ctrl-C: while a broker does not answer → the command ends at once, exit code 130, nothing half said', async () => {
  const cluster = await startCluster()
  cluster.partition('broker-a')
  const { ended, interrupt } = cluster.start('topic list')
  await cluster.advance(500)
  interrupt()
  expect(await ended).toMatchObject({ code: 130, out: '', err: '' })
})
