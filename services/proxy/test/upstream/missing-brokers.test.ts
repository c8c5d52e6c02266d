import { expect, test } from '@jest/globals'
import { type ClusterInfo, MqError } from '@rocketmq-ts/model'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createMissingBrokers } from '../../src/upstream/missing-brokers.ts'

type Answer = 'master' | 'slave' | 'empty' | 'silent'

function clusterOf(answer: Answer): ClusterInfo {
  const id = answer === 'master' ? 0 : 1
  const broker = {
    brokerName: 'a',
    cluster: 'c',
    brokerAddrs: new Map([[id, '10.0.0.1:10911']]),
    enableActingMaster: false,
  }
  const brokerAddrTable = new Map(answer === 'empty' ? [] : [['a', broker]])
  return { brokerAddrTable, clusterAddrTable: new Map() }
}

function missing(...answers: readonly Answer[]) {
  const { clock, advance } = createManualEffects()
  let questions = 0
  const nameServers = answers.map((answer, at) => ({
    addresses: [`10.0.0.${at + 1}:9876`],
    clusterInfo() {
      questions += 1
      if (answer === 'silent') return Promise.reject(new MqError('unavailable', 'nobody listens'))
      return Promise.resolve(clusterOf(answer))
    },
  }))
  return { reason: createMissingBrokers({ clock, nameServers }), advance, questions: () => questions }
}

test('missing brokers: a master at one of the nameservers → none are missing', async () => {
  expect(await missing('empty', 'master', 'silent').reason()).toBeUndefined()
})

test.each([
  [['empty'], 'no broker is registered at nameserver 10.0.0.1:9876: start one'],
  [['slave', 'empty'], 'no broker is registered at nameserver 10.0.0.1:9876, 10.0.0.2:9876: start one'],
  [
    ['silent', 'empty'],
    'no broker is registered at nameserver 10.0.0.2:9876 (10.0.0.1:9876 can not be asked): start one',
  ],
] as const)('missing brokers: nameservers %j → each is named', async (answers, text) => {
  expect(await missing(...answers).reason()).toContain(text)
})

test('missing brokers: no nameserver answers → that is not the reason', async () => {
  expect(await missing('silent').reason()).toBeUndefined()
})

test('missing brokers: many ask → the nameservers are asked once a second', async () => {
  const { reason, advance, questions } = missing('empty')
  await Promise.all([reason(), reason()])
  expect(questions()).toBe(1)
  await advance(1_000)
  await reason()
  expect(questions()).toBe(2)
})
