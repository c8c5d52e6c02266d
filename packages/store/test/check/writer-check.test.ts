// Whose part of a log is, as the check judges it: as the next start would, whatever a single file says.
import { expect, test } from '@jest/globals'
import type { Effects } from '@rocketmq-ts/runtime'
import { checkStore } from '../../src/index.ts'
import {
  ABORT,
  afterKill,
  createManualEffects,
  encodedRecord,
  FIRST,
  FOLDER,
  newRecord,
  openStore,
  overwrite,
  send,
} from '../store-fixture.ts'

async function replace(effects: Effects, path: string, text: string): Promise<void> {
  const file = await effects.files.open(path, 'must-exist')
  await file.truncate(0)
  await file.close()
  await overwrite(effects, path, 0, Buffer.from(text))
}

test.each([
  ['stopped in order', undefined],
  ['killed', '4711'],
])(
  'check: after a kill of ours another broker wrote and was %s → its records are taken as its',
  async (_name, abort) => {
    const effects = createManualEffects()
    const store = await openStore(effects)
    await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }))
    const end: number = store.appended
    const other = afterKill(effects)
    // No record of ours has a zero byte there.
    const properties = Buffer.from('TAGS\u0001TagA\u0002K\u0001\0\u0002')
    const foreign = encodedRecord(newRecord({ text: 'c', properties }), {
      offset: 2,
      position: end,
      storedMs: other.clock.nowMs(),
    })
    await overwrite(other, FIRST, end, foreign)
    if (abort === undefined) await other.files.remove(ABORT)
    else await replace(other, ABORT, abort)
    const { findings, log } = await checkStore({ folder: FOLDER }, other)
    expect(findings.filter(({ kind }) => kind.startsWith('log-'))).toEqual([])
    expect(log).toMatchObject({ records: 3, end: end + foreign.length })
  },
)
