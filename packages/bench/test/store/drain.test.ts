import { expect, test } from '@jest/globals'
import type { MessageStore } from '@rocketmq-ts/store'
import { createSends } from '../../src/store/parts/drain.ts'

test('bench, sends: the disk takes longer than the time that is given → it goes on until some are done, so the rate is never 0', async () => {
  const store = {
    append: () => ({ commitLogOffset: 0, bytes: 0, queueOffset: 0 }),
    submit: async () => {},
    whenFlushed: async () => {},
    positions: { written: 0 },
  } as unknown as MessageStore
  expect(await createSends(store).closedLoop(0)).toBeGreaterThan(0)
})
