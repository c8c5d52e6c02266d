// The handler alone, with Turns that the test runs: what lies between a wake-up and the Turn that answers it.
import { expect, test } from '@jest/globals'
import { createFilterCache } from '@rocketmq-ts/filter'
import { commitLogOffset, MqError, queueOffset, subscriptionGroupConfig, topicConfig } from '@rocketmq-ts/model'
import { type IncomingRequest, type Peer, type PopMessageHeader, ResponseCode } from '@rocketmq-ts/remoting'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createGroupTable } from '../../src/groups/group-table.ts'
import { createInflight } from '../../src/inflight/inflight.ts'
import { createLongPolling } from '../../src/long-polling.ts'
import { createPeerWaits } from '../../src/peer-waits.ts'
import { createRemovalFence } from '../../src/pop/removal-fence.ts'
import { type PopDeps, createPopMessage } from '../../src/pop/pop-message.ts'
import { createTopicTable } from '../../src/topics/topic-table.ts'

const HEADER = {
  consumerGroup: 'G',
  topic: 'T',
  queueId: -1,
  maxMsgNums: 1,
  invisibleTimeMs: 60_000,
  pollTimeMs: 20_000,
  bornTimeMs: 0,
  initMode: 0,
}

function setUp() {
  const effects = createManualEffects()
  const polling = createLongPolling(effects.scheduler)
  const jobs: (() => void)[] = []
  const answers: string[] = []
  const releases: string[] = []
  let max = 0
  let cold = false
  /** Each read of a record goes to the disk, and finds damage: the answer does not depend on what is in it. */
  let isOnDisk = false
  /** The read of the first one does, and fails. */
  let firstFails = false
  const reader = {
    bounds: () => ({ min: queueOffset(0), max: queueOffset(max) }),
    scan(_queue, from, accept) {
      if (cold) return { kind: 'cold', load: async () => void (cold = false) }
      let offset: number = from
      for (; offset < max; offset += 1) {
        const at = { queueOffset: queueOffset(offset), commitLogOffset: commitLogOffset(0), size: 100, tagsCode: 0 }
        if (accept(at) === 'stop') break
      }
      return { kind: 'scanned', next: queueOffset(offset) }
    },
    queues: () => [],
    readUnit: () => new Uint8Array(100),
    readUnitInto(_queue, { queueOffset: offset }) {
      if (firstFails && offset === 0) return Promise.reject(new Error('can not read'))
      return isOnDisk ? Promise.reject(new MqError('damaged', 'it is')) : undefined
    },
  } satisfies PopDeps['reader']
  const pop = createPopMessage({
    inflight: createInflight({ maxAttempts: () => 17 }),
    reader,
    topics: createTopicTable([topicConfig('T', { readQueueNums: 1, writeQueueNums: 1 })]),
    turns: {
      enter: (job) => jobs.push(job) > 0,
      release(release, callback) {
        releases.push(release)
        callback(undefined)
      },
    },
    clock: effects.clock,
    polling,
    fence: createRemovalFence(polling),
    moved: { awaitsCopies: () => false },
    waits: createPeerWaits(),
    groupForConsume: subscriptionGroupConfig,
    groups: createGroupTable(),
    brokerName: 'broker-a',
    onUnreadable: () => {},
    onExhausted: () => {},
    onFiltered: () => {},
    onUnordered: () => {},
    filters: createFilterCache(),
    onDelivered: () => {},
    onFull: () => {},
  })
  function client(
    name: string,
    header: Partial<typeof HEADER> & {
      readonly expType?: string
      readonly exp?: string
      readonly order?: boolean
    } = {},
  ) {
    const closing: (() => void)[] = []
    const peer = {
      remoteAddress: '10.0.0.9:1',
      onClose: (callback: () => void) => void closing.push(callback),
    } as unknown as Peer
    const request = {
      header: { ...HEADER, ...header },
      peer,
      noteHeld() {},
      respond: ({ code }: { code: number }) => void answers.push(`${name} ${code}`),
    } as unknown as IncomingRequest<PopMessageHeader>
    return { ask: () => pop(request), close: () => closing.forEach((callback) => callback()) }
  }
  return {
    effects,
    client,
    answers,
    releases,
    coolDown: () => void (cold = true),
    failFirst: () => void (firstFails = true),
    toDisk: () => void (isOnDisk = true),
    messageArrives() {
      max += 1
      polling.messageVisible('T', 0, 0)
    },
    async runTurn(): Promise<void> {
      for (const job of jobs.splice(0)) job()
      await effects.settle()
    },
  }
}

test('pop: its client goes between the wake-up and the Turn → nothing is taken for it, the next waiter gets the message', async () => {
  const { client, answers, messageArrives, runTurn } = setUp()
  const [going, staying] = [client('going'), client('staying')]
  going.ask()
  staying.ask()
  messageArrives()
  going.close()
  await runTurn()
  await runTurn()
  expect(answers).toStrictEqual([`staying ${ResponseCode.SUCCESS}`])
})

test('pop: another took the message that woke it → waits for the rest of its time, and no longer', async () => {
  const { effects, client, answers, messageArrives, runTurn } = setUp()
  client('waiting').ask()
  await effects.advance(15_000)
  messageArrives()
  client('quick').ask()
  await runTurn()
  expect(answers).toStrictEqual([`quick ${ResponseCode.SUCCESS}`])
  await effects.advance(4999)
  expect(answers).toHaveLength(1)
  await effects.advance(1)
  expect(answers).toStrictEqual([`quick ${ResponseCode.SUCCESS}`, `waiting ${ResponseCode.POLLING_TIMEOUT}`])
})

test('pop: the first one of a group has to load units or to wait → its answer waits for the flush all the same', async () => {
  for (const isCold of [true, false]) {
    const { client, answers, releases, coolDown, messageArrives, runTurn } = setUp()
    if (isCold) {
      messageArrives()
      coolDown()
    }
    client('first').ask()
    await runTurn()
    if (!isCold) messageArrives()
    await runTurn()
    expect(answers).toStrictEqual([`first ${ResponseCode.SUCCESS}`])
    expect(releases).toStrictEqual(['flushed'])
  }
})

test('pop: no time to poll, and one record on disk behind the other → waits for the disk once, then answers', async () => {
  const { client, answers, coolDown, toDisk, messageArrives, runTurn } = setUp()
  messageArrives()
  coolDown()
  toDisk()
  client('quick', { pollTimeMs: 0, expType: 'SQL92', exp: 'a = 1' }).ask()
  await runTurn()
  expect(answers).toStrictEqual([])
  await runTurn()
  expect(answers).toStrictEqual([`quick ${ResponseCode.POLLING_TIMEOUT}`])
  // The one with time waits again, for the record.
  client('patient', { expType: 'SQL92', exp: 'a = 1' }).ask()
  await runTurn()
  expect(answers).toHaveLength(1)
})

test.each([
  { order: false, code: ResponseCode.SUCCESS },
  { order: true, code: ResponseCode.POLLING_TIMEOUT },
])('pop: the first of two can not be read, in order $order → the second comes alone only in any order', async (row) => {
  const { client, answers, messageArrives, failFirst, runTurn } = setUp()
  messageArrives()
  messageArrives()
  failFirst()
  client('only', { maxMsgNums: 2, pollTimeMs: 0, order: row.order }).ask()
  await runTurn()
  expect(answers).toStrictEqual([`only ${row.code}`])
})
