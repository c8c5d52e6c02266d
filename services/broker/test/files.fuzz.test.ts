// Any bytes as any file of the broker beside the log: it starts, has its topics, groups and messages, and what was
// acknowledged does not come back but where a position in doubt says so.
import { expect, test } from '@jest/globals'
import { ResponseCode } from '@rocketmq-ts/remoting'
import { mutateBytes, Prng, takeImage } from '@rocketmq-ts/testkit'
import fc from 'fast-check'
import { type BrokerHarness, startBroker } from './broker-harness.ts'

const RUNS = 10
const TIME_MS_MAX = 10_000
const ROOT = '/store'

async function stoppedBroker(): Promise<BrokerHarness> {
  const broker = await startBroker()
  for (const topic of ['T', 'U']) {
    for (let index = 0; index < 6; index += 1) await broker.send(topic, `${topic} ${index}`)
  }
  const [first] = await broker.pop('T', 'G', { max: 1 })
  await broker.ack('T', 'G', first!)
  await broker.stop()
  return broker
}

async function judge(name: string, seed: number): Promise<void> {
  const random = new Prng(seed)
  const broker = await stoppedBroker()
  const { files } = broker.machine.start('editor', () => undefined).effects
  const image = await broker.settled(takeImage(files, ROOT))
  const paths = [...image.keys()].filter((path) => path.startsWith(name))
  const path = paths.length === 0 ? name : random.pick(paths)
  const before = image.get(path) ?? Buffer.alloc(0)
  const bytes = random.chance(0.15) ? random.pick([...image.values()]) : mutateBytes(before, random)
  await broker.settled(
    (async () => {
      const file = await files.open(`${ROOT}/${path}`, 'create')
      await file.truncate(0)
      file.writeSync(0, [bytes])
      await file.close()
    })(),
  )
  await broker.restart()
  expect(broker.broker.readiness().ready).toBe(true)
  const popped = await broker.pop('U', 'G', { max: 32 })
  expect(popped.map(({ record }) => Buffer.from(record.body).toString())).toEqual(
    Array.from({ length: 6 }, (_, index) => `U ${index}`),
  )
  expect((await broker.send('U', 'later')).code).toBe(ResponseCode.SUCCESS)
  await broker.stop()
}

test.each(['config/broker-start', 'config/topics.json', 'config/subscriptionGroup.json', 'config/consumerOffset.json'])(
  'files: any bytes as %s → the broker starts with its topics, groups and messages',
  async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), (seed) => judge(name, seed)),
      { numRuns: RUNS, interruptAfterTimeLimit: TIME_MS_MAX, examples: [[1], [2], [3], [4]] },
    )
  },
  60_000,
)

test('files: any bytes as join.pending, which only its name gives a meaning → the broker starts with its messages', async () => {
  for (let seed = 0; seed < 5; seed += 1) await judge('join.pending', seed)
})
