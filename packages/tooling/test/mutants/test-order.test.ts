import { expect, test } from '@jest/globals'
import { createTestOrder } from '../../src/mutants/test-order.ts'

const CHANGED = 'packages/a/src/log/scan.ts'
const SOURCES = new Map([
  [CHANGED, "import type { Far } from '@rocketmq-ts/far'\nexport const scan = 1\n"],
  ['packages/a/src/log/log.ts', "import { scan } from './scan.ts'\n"],
  ['packages/a/src/store.ts', "import { log } from './log/log.ts'\n"],
  ['packages/a/test/log/scan.test.ts', "import { scan } from '../../src/log/scan.ts'\n"],
  ['packages/a/test/log/log.test.ts', ''],
  ['packages/a/test/log/crash.test.ts', "import { log } from '../../src/log/log.ts'\n"],
  ['packages/a/test/near.test.ts', "import { log } from '../src/log/log.ts'\n"],
  ['packages/a/test/far.test.ts', "import { store } from '../src/store.ts'\n"],
  ['packages/a/test/crash.test.ts', "import { store } from '../src/store.ts'\n"],
])
const DURATIONS_MS: Readonly<Record<string, number>> = {
  'packages/a/test/log/scan.test.ts': 9000,
  'packages/a/test/log/log.test.ts': 300,
  'packages/a/test/log/crash.test.ts': 9000,
  'packages/a/test/near.test.ts': 200,
  'packages/a/test/crash.test.ts': 8000,
}
const orderFor = createTestOrder({
  testFiles: [...SOURCES.keys()].filter((path) => path.includes('/test/')).toReversed(),
  sources: SOURCES,
  durationMs: (testFile) => DURATIONS_MS[testFile] ?? 100,
})

test('order of tests: the mirror of the changed file, its folder and near ones, the others; slow ones last', () => {
  expect(orderFor(CHANGED)).toEqual([
    'packages/a/test/log/scan.test.ts',
    'packages/a/test/near.test.ts',
    'packages/a/test/log/log.test.ts',
    'packages/a/test/far.test.ts',
    'packages/a/test/log/crash.test.ts',
    'packages/a/test/crash.test.ts',
  ])
})

test('order of tests: any file → all tests, each once', () => {
  expect(orderFor('packages/a/src/unknown.ts').toSorted()).toEqual(orderFor(CHANGED).toSorted())
})
