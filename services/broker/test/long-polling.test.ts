import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { POLLING_WAITERS_PER_QUEUE_MAX, type Waiter, createLongPolling } from '../src/long-polling.ts'

function setUp() {
  const effects = createManualEffects()
  const polling = createLongPolling(effects.scheduler)
  const woken: string[] = []
  function hold(name: string, changes: Partial<Waiter> = {}) {
    return polling.hold({
      topic: 'T',
      group: 'G',
      queueId: -1,
      pollMs: 1000,
      matches: () => true,
      takes: true,
      wake: (reason) => void woken.push(`${name} ${reason}`),
      ...changes,
    })
  }
  return { effects, polling, woken, hold }
}

test('long polling: one message → wakes one waiter of each group, the longest waiting first', () => {
  const { polling, woken, hold } = setUp()
  hold('first')
  hold('second')
  hold('other group', { group: 'H' })
  polling.messageVisible('T', 0, 0)
  expect(woken).toStrictEqual(['first message', 'other group message'])
  polling.messageVisible('T', 0, 0)
  expect(woken).toStrictEqual(['first message', 'other group message', 'second message'])
})

test('long polling: one that only wants to know → is woken too, and uses the message up for nobody', () => {
  const { polling, woken, hold } = setUp()
  hold('asks', { takes: false })
  hold('takes')
  hold('asks too', { takes: false })
  polling.messageVisible('T', 2, 0)
  expect(woken).toStrictEqual(['asks message', 'asks too message', 'takes message'])
})

test('long polling: a message of another queue or tag → wakes nobody', () => {
  const { polling, woken, hold } = setUp()
  hold('queue 1', { queueId: 1 })
  hold('tag 7', { matches: (code) => code === 7 })
  polling.messageVisible('T', 0, 8)
  polling.messageVisible('U', 1, 7)
  expect(woken).toStrictEqual([])
  polling.messageVisible('T', 1, 8)
  polling.messageVisible('T', 0, 7)
  expect(woken).toStrictEqual(['queue 1 message', 'tag 7 message'])
})

test('long polling: a released message → wakes its own group only', () => {
  const { polling, woken, hold } = setUp()
  hold('G')
  hold('H', { group: 'H' })
  polling.messageReleased('T', 'H', 0)
  expect(woken).toStrictEqual(['H message'])
})

test('long polling: time over, connection gone or broker stopping → told once, and the place is free', async () => {
  const { effects, polling, woken, hold } = setUp()
  hold('slow')
  hold('gone')?.gone()
  await effects.advance(1000)
  hold('stopped')
  polling.stop()
  polling.messageVisible('T', 0, 0)
  expect(woken).toStrictEqual(['gone gone', 'slow timeout', 'stopped timeout'])
  expect(polling.size).toBe(0)
})

test('long polling: the bound per topic, group and queue → one more is refused, another group is not', () => {
  const { hold } = setUp()
  for (let index = 0; index < POLLING_WAITERS_PER_QUEUE_MAX; index += 1) expect(hold(`${index}`)).toBeDefined()
  expect(hold('one too many')).toBeUndefined()
  expect(hold('other', { group: 'H' })).toBeDefined()
})

test('long polling: after the stop → a waiter is timed out at once, nothing is held', () => {
  const { polling, woken, hold } = setUp()
  polling.stop()
  expect(hold('late')).toBeDefined()
  expect(woken).toStrictEqual(['late timeout'])
  expect(polling.size).toBe(0)
})

test('long polling: many waiters of one group → a message looks at those in front, not at all', () => {
  const { polling } = setUp()
  let looks = 0
  const waiter = {
    topic: 'T',
    group: 'G',
    pollMs: 1000,
    takes: true,
    matches: () => true,
    wake() {},
    get queueId() {
      looks += 1
      return -1
    },
  }
  for (let index = 0; index < 1000; index += 1) polling.hold(waiter)
  looks = 0
  for (let index = 0; index < 10; index += 1) polling.messageVisible('T', 0, 0)
  expect(polling.size).toBe(990)
  expect(looks).toBeLessThan(50)
})
