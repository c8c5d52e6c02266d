import { expect, test } from '@jest/globals'
import { PopMessage, type Resource, ResponseCode, type RequestTable } from '@rocketmq-ts/remoting'
import { startBroker } from './broker-harness.ts'
import { type Handlers, createBrokerRequestTable } from '../src/request-table.ts'

const handler = () => {}
const handlers = {
  send: handler,
  endTransaction: handler,
  clients: {
    heartBeat: handler,
    unregisterClient: handler,
    syncClients: handler,
    listClients: handler,
    getConsumerRunningInfo: handler,
    consumeMessageDirectly: handler,
    reconnectClient: handler,
  },
  pop: handler,
  ack: handler,
  batchAck: handler,
  changeInvisibleTime: handler,
  notification: handler,
  recall: handler,
  topics: { updateAndCreateTopic: handler, deleteTopic: handler, getTopicConfig: handler },
  groups: {
    updateAndCreateSubscriptionGroup: handler,
    getSubscriptionGroupConfig: handler,
    deleteSubscriptionGroup: handler,
  },
  offsets: { queryConsumerOffset: handler, getMaxOffset: handler, getMinOffset: handler },
  allSettings: { getAllTopicConfig: handler, getAllSubscriptionGroupConfig: handler },
  messageQueries: {
    queryMessage: handler,
    viewMessageById: handler,
    searchOffsetByTimestamp: handler,
    getEarliestMessageStoreTime: handler,
  },
  resetOffset: handler,
  progress: { getTopicStatsInfo: handler, getConsumeStats: handler },
  runtimeInfo: { getBrokerRuntimeInfo: handler },
} as unknown as Handlers

const ACTIONS = ['pub', 'sub', 'create', 'update', 'delete', 'get', 'list']

/** Rows without a resource or an action of the list. */
function ungated(table: RequestTable): number[] {
  const header = { topic: 'T', consumerGroup: 'G', group: 'G', groupName: 'G' }
  return [...table.values()]
    .filter(({ resource, action }) => {
      const resources = [resource(header)].flat() as Resource[]
      return resources.length === 0 || resources.some(({ name }) => !name) || !ACTIONS.includes(action)
    })
    .map(({ request }) => request.code)
}

test('request table: every row names resource and action, so that none passes the gate unseen', () => {
  const table = createBrokerRequestTable(handlers)
  expect(table.size).toBe(38)
  expect(ungated(table)).toStrictEqual([])
})

test('request table: a row without a resource → is seen by the check above', () => {
  const table = new Map(createBrokerRequestTable(handlers))
  const pop = table.get(PopMessage.code)!
  table.set(PopMessage.code, { ...pop, resource: () => [] })
  expect(ungated(table)).toStrictEqual([PopMessage.code])
})

test('gate: denies a group → NO_PERMISSION for its pop, asked for topic and group, and nothing is claimed', async () => {
  const asked: string[] = []
  const broker = await startBroker(
    {},
    {
      authorize(_principal, { kind, name }, action) {
        asked.push(`${action} ${kind} ${name}`)
        return name !== 'denied'
      },
    },
  )
  await broker.send('T', 'one')
  expect(await broker.pop('T', 'denied')).toStrictEqual([])
  const header = {
    consumerGroup: 'denied',
    topic: 'T',
    queueId: -1,
    maxMsgNums: 1,
    invisibleTimeMs: 1000,
    pollTimeMs: 0,
    bornTimeMs: 0,
    initMode: 1,
  }
  expect((await broker.ask(PopMessage, header)).code).toBe(ResponseCode.NO_PERMISSION)
  expect(asked).toContain('pub topic T')
  expect(asked).toContain('sub group denied')
  expect(broker.broker.ledger()).toStrictEqual([])
})
