import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createGroups } from '../../src/messaging/groups.ts'
import { DEFAULT_GROUP } from '../../src/messaging/retry-delays.ts'
import type { GroupSettings } from '../../src/upstream/upstream.ts'

function setUp() {
  const effects = createManualEffects()
  const asked: { answer(retryMax: number): Promise<void>; fail(): Promise<void> }[] = []
  const failures: string[] = []
  const changed: string[] = []
  const groups = createGroups({
    clock: effects.clock,
    lookup: {
      groupSettings: () =>
        new Promise<GroupSettings>((resolve, reject) => {
          asked.push({
            async answer(retryMax) {
              resolve({ ...DEFAULT_GROUP, retryMax })
              await effects.settle()
            },
            async fail() {
              reject(new MqError('timeout', 'no answer'))
              await effects.settle()
            },
          })
        }),
    },
    onChanged: (group) => changed.push(group),
    onLookupFailed: (group) => failures.push(group),
  })
  const retries = async (group = 'G') => (await groups.settings(group, 'T')).retryMax
  return { effects, groups, asked, changed, failures, retries }
}

test('groups: callers at the same time → one question, then remembered for 20 s', async () => {
  const { effects, asked, retries } = setUp()
  const waiting = [retries(), retries()]
  await asked[0]?.answer(3)
  expect(await Promise.all(waiting)).toEqual([3, 3])
  await effects.advance(19_999)
  expect(await retries()).toBe(3)
  expect(asked).toHaveLength(1)
})

test('groups: a broker hangs when they are asked for again → nobody waits, then what it says', async () => {
  const { effects, asked, retries } = setUp()
  const first = retries()
  await asked[0]?.answer(3)
  await first
  await effects.advance(20_000)
  expect([await retries(), await retries()]).toEqual([3, 3])
  expect(asked).toHaveLength(2)
  await asked[1]?.answer(5)
  expect(await retries()).toBe(5)
})

test('groups: no broker tells → what was known, with a pause between questions; the defaults where nothing was', async () => {
  const { effects, asked, failures, retries } = setUp()
  const unknown = retries()
  await asked[0]?.fail()
  expect(await unknown).toBe(DEFAULT_GROUP.retryMax)
  expect(await retries()).toBe(DEFAULT_GROUP.retryMax)
  expect([asked.length, failures]).toEqual([1, ['G']])
  await effects.advance(1000)
  const known = retries()
  await asked[1]?.answer(3)
  expect(await known).toBe(3)
  await effects.advance(20_000)
  await retries()
  await asked[2]?.fail()
  expect(await retries()).toBe(3)
})

test('groups: nobody asked for a minute → the next caller waits for new ones', async () => {
  const { effects, asked, retries } = setUp()
  const first = retries()
  await asked[0]?.answer(3)
  await first
  await effects.advance(60_000)
  const next = retries()
  await asked[1]?.answer(5)
  expect(await next).toBe(5)
})

test('groups: an answer that comes after its group was forgotten → does not take the place of a newer one', async () => {
  const { asked, retries } = setUp()
  const slow = retries()
  for (let number = 0; number < 10_000; number += 1) void retries(`G-${number}`)
  const anew = retries()
  await asked.at(-1)?.answer(5)
  expect(await anew).toBe(5)
  await asked[0]?.answer(3)
  expect(await slow).toBe(3)
  expect(await retries()).toBe(5)
})

test('groups: a broker tells of a change → asked again at once, and told on where it is one', async () => {
  const { groups, asked, changed, retries } = setUp()
  groups.changed('G')
  expect(asked).toHaveLength(0)
  const first = retries()
  await asked[0]?.answer(3)
  await first
  groups.changed('G')
  await Promise.resolve()
  await asked[1]?.answer(3)
  expect(changed).toEqual([])
  groups.changed('G')
  await Promise.resolve()
  await asked[2]?.answer(5)
  expect([changed, await retries()]).toEqual([['G'], 5])
})

test('groups: a change while the question is under way → asked again, since the answer may be the old one', async () => {
  const { groups, asked, changed, retries } = setUp()
  const first = retries()
  groups.changed('G')
  await asked[0]?.answer(3)
  await first
  expect(asked).toHaveLength(2)
  await asked[1]?.answer(5)
  expect([changed, await retries()]).toEqual([['G'], 5])
})

test('groups: the defaults were told, since nobody answered → what a broker says later is told on', async () => {
  const { effects, asked, changed, retries } = setUp()
  const first = retries()
  await asked[0]?.fail()
  expect(await first).toBe(DEFAULT_GROUP.retryMax)
  await effects.advance(1000)
  const second = retries()
  await asked[1]?.answer(5)
  await second
  expect(changed).toEqual(['G'])
})
