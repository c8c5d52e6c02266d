// A share of the planted faults; `npm run store-faults` plants all of them.
import { beforeAll, describe, expect, test } from '@jest/globals'
import { createFaultRunner, type FaultRunner } from '../../src/store-faults/run-faults.ts'
import { LOST_ENTRY, UNCOVERED_FIELDS } from '../../src/store-faults/uncovered.ts'

const FAULTS = 500

describe('planted faults', () => {
  let runner: FaultRunner
  beforeAll(async () => {
    runner = await createFaultRunner()
  })

  test(`check: each of ${FAULTS} faults in real stores → found, unless it only touches bytes that are listed`, async () => {
    const missed: string[] = []
    for (let seed = 0; seed < FAULTS; seed += 1) {
      const { outcome, store, fault } = await runner.run(seed)
      if (outcome === 'missed') missed.push(`seed ${seed}, ${store}: ${fault.what}`)
    }
    expect(missed).toEqual([])
  }, 60_000)

  test.each(UNCOVERED_FIELDS)('check: %s is listed as uncovered → some flip in it is not found', async (field) => {
    expect(await runner.hides(field)).toBe(true)
  })

  test('check: index entries of lost records are listed as uncovered → of every such byte some flip is not found', async () => {
    expect(await runner.coveredAfterAll(LOST_ENTRY)).toEqual([])
    expect(runner.bytesListed(LOST_ENTRY)).toBeGreaterThan(0)
  }, 60_000)

  test('check: sound stores → no fault; of a repaired one only what was lost', () => {
    for (const { name, sound } of runner.stores) {
      const kinds = new Set(sound.findings.map(({ kind }) => kind))
      if (name === 'repaired')
        expect(['log-damaged', 'log-header', 'index-entry']).toEqual(expect.arrayContaining([...kinds]))
      else expect([name, sound.isSound, [...kinds]]).toEqual([name, true, []])
    }
  })
})
