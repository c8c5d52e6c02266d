// A disk without space for the key index: what memory can not hold is dropped, and read from the log when there is space.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { MqError } from '@rocketmq-ts/model'
import type { MessageStore } from '../../src/index.ts'
import { afterKill, afterPowerLoss, createManualEffects, FOLDER, restarted, send } from '../store-fixture.ts'
import { answers, expectedAnswers, expectFilesOf, numbered, openKeyStore } from './key-store.ts'

/** Eight messages. */
const FEW = { indexEntriesInMemory: 24, checkpointIntervalMs: 1000 }
const FULL = { on: 'write', path: '/index/', error: 'no-space', times: Infinity } as const

const SYNC_FULL = { on: 'sync', path: '/index/', error: 'no-space', times: 1 } as const

/** A store that is behind takes the message after its checkpoint. */
async function sendOne(store: MessageStore, index: number): Promise<void> {
  await send(store, numbered(index)).catch(async (error: unknown) => {
    if (!(error instanceof MqError) || error.code !== 'busy') throw error
    await store.checkpoint()
    await send(store, numbered(index))
  })
}

/** A store whose key index is 20 messages behind; there is space again. */
async function openBehind() {
  const effects = createManualEffects()
  const store = await openKeyStore(effects, FEW)
  const fault = effects.machine.disk.fail(FULL)
  for (let index = 0; index < 20; index += 1) await sendOne(store, index)
  await store.checkpoint()
  fault.clear()
  return { effects, store }
}

test('key index: no space for longer than memory lasts → sends go on, queries say what is missing, with space it is read from the log', async () => {
  const effects = createManualEffects()
  const store = await openKeyStore(effects, FEW)
  await sendOne(store, 0)
  await store.checkpoint()
  const fault = effects.machine.disk.fail(FULL)
  for (let index = 1; index < 20; index += 1) {
    await sendOne(store, index)
    if (index % 2 === 0) await store.checkpoint()
  }
  await expect(answers(store, 20)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/lacks messages from commit log offset \d+ on.*no space/u),
  })
  fault.clear()
  await store.checkpoint()
  await sendOne(store, 20)
  await effects.advance(100)
  expect(await answers(store, 21)).toEqual(expectedAnswers(21))
  await store.close()
  await expectFilesOf(effects, 21)
})

test('key index: nobody sends any more → it is completed all the same', async () => {
  const { effects, store } = await openBehind()
  await effects.advance(10_000)
  await effects.advance(100)
  expect(await answers(store, 20)).toEqual(expectedAnswers(20))
  await store.close()
})

test('key index: a message and a checkpoint while it is completed → it is completed once, and that message is found', async () => {
  const { effects, store } = await openBehind()
  effects.machine.disk.fail({ on: 'read', path: 'commitlog', delayMs: 50 })
  await store.checkpoint()
  await sendOne(store, 20)
  await store.checkpoint()
  await sendOne(store, 21)
  await effects.advance(200)
  expect(await answers(store, 22)).toEqual(expectedAnswers(22))
  await store.close()
})

test('key index: a stop while it is completed → the next start finds all', async () => {
  const effects = createManualEffects()
  const store = await openKeyStore(effects, FEW)
  await sendOne(store, 0)
  await store.checkpoint()
  const fault = effects.machine.disk.fail(FULL)
  for (let index = 1; index < 100; index += 1) await sendOne(store, index)
  await store.checkpoint()
  fault.clear()
  await store.close()
  const next = await openKeyStore(restarted(effects))
  expect([next.recovery.rebuilt, await answers(next, 100)]).toEqual([[], expectedAnswers(100)])
  await next.close()
})

test('key index: no space at a start → the start goes on, and with space all is found without another one', async () => {
  const effects = createManualEffects()
  const before = await openKeyStore(effects)
  for (let index = 0; index < 20; index += 1) await sendOne(before, index)
  await before.close()
  const again = restarted(effects)
  await again.files.remove(`${FOLDER}/index`)
  const fault = effects.machine.disk.fail(FULL)
  const store = await openKeyStore(again, FEW)
  await sendOne(store, 20)
  await expect(answers(store, 21)).rejects.toMatchObject({ code: 'unavailable' })
  fault.clear()
  await store.checkpoint()
  await effects.advance(100)
  expect(await answers(store, 21)).toEqual(expectedAnswers(21))
  await store.close()
  const last = await openKeyStore(restarted(effects))
  expect([last.recovery.rebuilt, await answers(last, 21)]).toEqual([[], expectedAnswers(21)])
  await last.close()
})

test('key index: a sync finds no space → nothing that it was for is believed; with space all is read from the log', async () => {
  const effects = createManualEffects()
  let store = await openKeyStore(effects, FEW)
  for (let index = 0; index < 10; index += 1) await sendOne(store, index)
  await store.checkpoint()
  for (let index = 10; index < 14; index += 1) await sendOne(store, index)
  effects.machine.disk.fail(SYNC_FULL)
  await store.checkpoint()
  await expect(answers(store, 14)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/lacks messages from commit log offset \d+ on.*no space/u),
  })
  await sendOne(store, 14)
  await store.checkpoint()
  await effects.advance(100)
  expect(await answers(store, 15)).toEqual(expectedAnswers(15))
  await store.checkpoint()
  store = await openKeyStore(afterPowerLoss(effects), FEW)
  expect([store.recovery.rebuilt, await answers(store, 15)]).toEqual([[], expectedAnswers(15)])
  await store.close()
  await expectFilesOf(effects, 15)
})

test('key index: a sync found no space, and there is not enough for what went → the log is not read for nothing', async () => {
  const effects = createManualEffects()
  const store = await openKeyStore(effects, { ...FEW, indexEntries: 1000 })
  await sendOne(store, 0)
  await store.checkpoint()
  await sendOne(store, 1)
  const { disk } = effects.machine
  disk.fail(SYNC_FULL)
  await store.checkpoint()
  // Enough for everything but an index file of full size.
  disk.capacityBytes = disk.usedBytes + 10_000
  const reads = disk.fail({ on: 'read', path: 'commitlog', delayMs: 1, times: Infinity })
  for (let checkpoints = 0; checkpoints < 3; checkpoints += 1) await store.checkpoint()
  await effects.advance(100)
  expect(reads.hits).toBe(0)
  reads.clear()
  await expect(answers(store, 2)).rejects.toMatchObject({ code: 'unavailable' })
  disk.capacityBytes = Infinity
  await store.checkpoint()
  await effects.advance(100)
  expect(await answers(store, 2)).toEqual(expectedAnswers(2))
  await store.close()
})

test('key index: a sync finds no space at a stop → it is a stop in order, and the next start reads what is missing', async () => {
  const effects = createManualEffects()
  const store = await openKeyStore(effects, FEW)
  for (let index = 0; index < 10; index += 1) await sendOne(store, index)
  await store.checkpoint()
  await sendOne(store, 10)
  effects.machine.disk.fail(SYNC_FULL)
  await store.close()
  const next = await openKeyStore(restarted(effects), FEW)
  expect([next.recovery.cleanStop, next.recovery.rebuilt]).toEqual([true, []])
  expect(await answers(next, 11)).toEqual(expectedAnswers(11))
  await next.close()
  await expectFilesOf(effects, 11)
})

const operation = fc.constantFrom(
  'one',
  'many',
  'many',
  'checkpoint',
  'checkpoint',
  'full',
  'full',
  'free',
  'full-sync',
  'soon',
  'stop',
  'kill',
  'power',
)

test('key index: space that comes and goes, sends, checkpoints, stops and losses in any order → the answers are those of the log', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
      const effects = createManualEffects()
      let fault: { clear(): void } | undefined
      const syncFaults: { clear(): void }[] = []
      let store = await openKeyStore(effects, FEW)
      let count = 0
      for (const each of operations) {
        if (each === 'one') await sendOne(store, count++)
        else if (each === 'many') for (const end = count + 8; count < end;) await sendOne(store, count++)
        else if (each === 'checkpoint') await store.checkpoint()
        else if (each === 'full') fault ??= effects.machine.disk.fail(FULL)
        else if (each === 'full-sync') syncFaults.push(effects.machine.disk.fail(SYNC_FULL))
        else if (each === 'soon') await effects.advance(1)
        else if (each === 'free') {
          fault?.clear()
          fault = undefined
        } else {
          if (each === 'stop') await store.close()
          const current =
            each === 'power' ? afterPowerLoss(effects) : each === 'kill' ? afterKill(effects) : restarted(effects)
          store = await openKeyStore(current, FEW)
        }
      }
      fault?.clear()
      for (const syncFault of syncFaults) syncFault.clear()
      for (let rounds = 0; rounds < 2; rounds += 1) {
        await store.checkpoint()
        await effects.advance(100)
      }
      await store.checkpoint()
      expect(await answers(store, count)).toEqual(expectedAnswers(count))
      await store.close()
      const last = await openKeyStore(restarted(effects))
      expect(await answers(last, count)).toEqual(expectedAnswers(count))
      await last.close()
    }),
    { numRuns: 100 },
  )
})
