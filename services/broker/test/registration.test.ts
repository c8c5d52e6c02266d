import { expect, test } from '@jest/globals'
import { topicConfig } from '@rocketmq-ts/model'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { REGISTER_DELAY_MS, REGISTER_RETRY_MS, createRegistration } from '../src/registration.ts'

const PERIOD_MS = 30_000

type Register = (nameServer: string, onLost: () => void) => Promise<void>

/** A broker whose topics are the numbers up to that of its last change. */
function topicsUpTo(counter: number, since = 0) {
  const names = Array.from({ length: counter - since }, (_, index) => `T${since + index + 1}`)
  return names.map((name) => topicConfig(name))
}

function setUp(register: Register, nameServers: readonly string[] = ['a']) {
  const effects = createManualEffects()
  const asked: string[] = []
  const told: string[] = []
  const table = { counter: 2 }
  const registration = createRegistration({
    scheduler: effects.scheduler,
    logger: silentLogger,
    periodMs: PERIOD_MS,
    nameServers,
    current: (since) => ({
      topics: topicsUpTo(table.counter, since?.counter),
      dataVersion: { counter: table.counter, stateVersion: 0, timestamp: 0 },
      isIncremental: since !== undefined,
    }),
    register(nameServer, { topics, isIncremental }, onLost) {
      asked.push(nameServer)
      told.push(`${isIncremental ? 'changed' : 'all'} ${topics.map(({ topicName }) => topicName).join(' ')}`)
      return register(nameServer, onLost)
    },
  })
  /** A topic is created. */
  function create(): void {
    table.counter += 1
    registration.changed()
  }

  return { effects, registration, asked, told, create, calls: () => asked.length }
}

const done: Register = async () => {}
const failed: Register = async () => {
  throw new Error('refused')
}
const never: Register = () => new Promise(() => {})

test('registration: at start, then once a period', async () => {
  const { effects, registration, calls } = setUp(done)
  await registration.start()
  expect(registration.known).toBe(true)
  await effects.advance(PERIOD_MS - 1)
  expect(calls()).toBe(1)
  await effects.advance(1)
  expect(calls()).toBe(2)
})

test('registration: several changes of topics → one registration soon', async () => {
  const { effects, registration, calls } = setUp(done)
  await registration.start()
  registration.changed()
  registration.changed()
  await effects.advance(REGISTER_DELAY_MS)
  expect(calls()).toBe(2)
})

test('registration: a nameserver fails → tried again soon; none reached → not known', async () => {
  let answer = failed
  const { effects, registration, calls } = setUp((nameServer, onLost) => answer(nameServer, onLost))
  await registration.start()
  expect(registration.known).toBe(false)
  answer = done
  await effects.advance(REGISTER_RETRY_MS)
  expect(calls()).toBe(2)
  expect(registration.known).toBe(true)
})

test('registration: topics change while one is in flight → another follows it', async () => {
  let answer = (): void => {}
  const { effects, registration, calls } = setUp(() => new Promise((resolve) => (answer = resolve)))
  const started = registration.start()
  registration.changed()
  await effects.advance(PERIOD_MS)
  expect(calls()).toBe(1)
  answer()
  await started
  await effects.advance(REGISTER_DELAY_MS)
  expect(calls()).toBe(2)
})

test('registration: stopped → nothing more is sent', async () => {
  const { effects, registration, calls } = setUp(done)
  await registration.start()
  registration.stop()
  await effects.advance(10 * PERIOD_MS)
  expect(calls()).toBe(1)
})

test('registration: stopped while the first attempt gets no answer → the start ends', async () => {
  const { registration } = setUp(never)
  const started = registration.start()
  registration.stop()
  await started
  expect(registration.known).toBe(false)
})

test('registration: topics change all the time → nameservers hear of them all the same', async () => {
  const { effects, registration, calls } = setUp(done)
  await registration.start()
  for (let index = 0; index < 100; index += 1) {
    registration.changed()
    await effects.advance(REGISTER_DELAY_MS / 2)
  }
  expect(calls()).toBeGreaterThan(40)
})

test('registration: topics change before the start → nothing is told before it, and one attempt at a time', async () => {
  let open = 0
  let most = 0
  const { effects, registration } = setUp(async () => {
    open += 1
    most = Math.max(most, open)
    await new Promise<void>((resolve) => void effects.scheduler.after(100, resolve))
    open -= 1
  })
  registration.changed()
  await effects.advance(1000)
  expect(most).toBe(0)
  const started = registration.start()
  await effects.advance(1000)
  await started
  expect(most).toBe(1)
})

test('registration: one nameserver hangs → the start and every change reach the other one at once', async () => {
  const { effects, registration, asked } = setUp(
    (nameServer) => (nameServer === 'a' ? never : done)(nameServer, () => {}),
    ['a', 'b'],
  )
  await registration.start()
  expect(registration.known).toBe(true)
  registration.changed()
  await effects.advance(REGISTER_DELAY_MS)
  expect(asked).toEqual(['a', 'b', 'b'])
})

test('registration: one nameserver fails → only that one is asked again soon', async () => {
  const { effects, registration, asked } = setUp(
    (nameServer) => (nameServer === 'a' ? failed : done)(nameServer, () => {}),
    ['a', 'b'],
  )
  await registration.start()
  await effects.advance(2 * REGISTER_RETRY_MS)
  expect(asked).toEqual(['a', 'b', 'a', 'a'])
})

test('registration: all nameservers fail → the start ends, and each is asked again', async () => {
  const { effects, registration, asked } = setUp(failed, ['a', 'b'])
  await registration.start()
  expect(registration.known).toBe(false)
  await effects.advance(REGISTER_RETRY_MS)
  expect(asked).toEqual(['a', 'b', 'a', 'b'])
})

test('registration: a nameserver lost the connection, as when it starts anew → told again soon, until it is back', async () => {
  let isDown = false
  let lost = (): void => {}
  const { effects, registration, asked } = setUp(
    async (nameServer, onLost) => {
      if (nameServer !== 'a') return
      if (isDown) throw new Error('refused')
      lost = onLost
    },
    ['a', 'b'],
  )
  await registration.start()
  await effects.advance(5000)
  isDown = true
  lost()
  await effects.advance(2 * REGISTER_RETRY_MS)
  isDown = false
  await effects.advance(REGISTER_RETRY_MS)
  expect(asked).toEqual(['a', 'b', 'a', 'a', 'a'])
  await effects.advance(REGISTER_RETRY_MS)
  expect(asked).toHaveLength(5)
})

test('registration: topics are created → told alone, and everything once a period, however often they are', async () => {
  const { effects, registration, told, create } = setUp(done)
  await registration.start()
  create()
  create()
  await effects.advance(REGISTER_DELAY_MS)
  create()
  await effects.advance(REGISTER_DELAY_MS)
  await effects.advance(PERIOD_MS - 2 * REGISTER_DELAY_MS)
  expect(told).toEqual(['all T1 T2', 'changed T3 T4', 'changed T5', 'all T1 T2 T3 T4 T5'])
})

test('registration: the period ends while a change is in flight → everything follows it', async () => {
  let answer = (): void => {}
  let hangs = false
  const { effects, registration, told, create } = setUp(() =>
    hangs ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(),
  )
  await registration.start()
  hangs = true
  create()
  await effects.advance(PERIOD_MS)
  answer()
  await effects.advance(REGISTER_DELAY_MS)
  expect(told).toEqual(['all T1 T2', 'changed T3', 'all T1 T2 T3'])
})

test('registration: a change fails, or the connection ends → everything is told next', async () => {
  let answer = done
  let lost = (): void => {}
  const { effects, registration, told, create } = setUp((nameServer, onLost) => {
    lost = onLost
    return answer(nameServer, onLost)
  })
  await registration.start()
  answer = failed
  create()
  await effects.advance(REGISTER_DELAY_MS)
  answer = done
  await effects.advance(REGISTER_RETRY_MS)
  create()
  lost()
  await effects.advance(REGISTER_RETRY_MS)
  expect(told).toEqual(['all T1 T2', 'changed T3', 'all T1 T2 T3', 'all T1 T2 T3 T4'])
})
