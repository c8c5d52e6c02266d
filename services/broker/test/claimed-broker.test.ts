// Brokers that share a folder, on a simulated machine: who takes which part of it, also after a crash.
import { expect, test } from '@jest/globals'
import { defaultConfig } from '@rocketmq-ts/config'
import { silentLogger } from '@rocketmq-ts/runtime'
import { type SimMachine, type World, createWorld } from '@rocketmq-ts/testkit'
import { type Claim, createClaimedBroker } from '../src/claimed-broker.ts'
import { brokerConfig, createBroker } from '../src/index.ts'

const ROOT = '/shared'
const MiB = 1024 * 1024

/** A process with a broker that claims; nothing of it has started yet. */
function contender(machine: SimMachine, name: string) {
  const process = machine.start(name, () => undefined)
  const { effects } = process
  const tried: string[] = []
  const brokerOf = ({ brokerName, storePathRootDir }: Claim) => {
    tried.push(brokerName)
    return createBroker(
      {
        ...defaultConfig(brokerConfig),
        listenHost: machine.host,
        listenPort: 0,
        mappedFileSizeCommitLog: MiB,
        brokerName,
        storePathRootDir,
      },
      {
        ...effects,
        logger: silentLogger,
        nameServers: {
          addresses: ['here'],
          register: async () => {},
          unregister: async () => {},
        },
        onDefect(error) {
          throw error
        },
      },
    )
  }
  return { process, files: effects.files, tried, broker: createClaimedBroker({ root: ROOT, brokerOf }) }
}

async function settled<Value>(world: World, promise: Promise<Value>): Promise<Value> {
  let isSettled = false
  const done = promise.finally(() => (isSettled = true))
  done.catch(() => {})
  await world.run(() => isSettled)
  return done
}

test('claim: two brokers race for one folder → each has one of its own, broker-0 and broker-1', async () => {
  const world = createWorld({ seed: 1 })
  const machine = world.machine('m')
  const contenders = [contender(machine, 'a'), contender(machine, 'b')]
  await settled(world, Promise.all(contenders.map(({ broker }) => broker.start())))
  const names = contenders.map(({ broker }) => broker.claim?.brokerName)
  expect(names.toSorted()).toEqual(['broker-0', 'broker-1'])
  for (const { broker } of contenders) expect(broker.readiness()).toMatchObject({ ready: true })
})

test('claim: a broker is killed and started again → it takes the same folder, not the next free one', async () => {
  const world = createWorld({ seed: 2 })
  const machine = world.machine('m')
  const [first, second] = [contender(machine, 'a'), contender(machine, 'b')]
  await settled(world, first.broker.start())
  await settled(world, second.broker.start())
  first.process.crash()
  const again = contender(machine, 'a')
  await settled(world, again.broker.start())
  expect(again.broker.claim).toEqual({ brokerName: 'broker-0', storePathRootDir: `${ROOT}/broker-0` })
  expect(second.broker.claim?.brokerName).toBe('broker-1')
})

test('claim: a broker stops in order → its folder is free for the next one', async () => {
  const world = createWorld({ seed: 3 })
  const machine = world.machine('m')
  const [first, next] = [contender(machine, 'a'), contender(machine, 'b')]
  await settled(world, first.broker.start())
  await settled(world, first.broker.stop())
  await settled(world, next.broker.start())
  expect(next.tried).toEqual(['broker-0'])
})

test('claim: the first free folder can not be opened → the start fails and no other folder is taken', async () => {
  const world = createWorld({ seed: 4 })
  const { files, broker, tried } = contender(world.machine('m'), 'a')
  await settled(world, files.makeFolder(ROOT))
  await settled(world, (async () => (await files.open(`${ROOT}/broker-0`, 'create')).close())())
  await expect(settled(world, broker.start())).rejects.toThrow('broker-0')
  expect(tried).toEqual(['broker-0'])
  expect(broker.claim).toBeUndefined()
})
