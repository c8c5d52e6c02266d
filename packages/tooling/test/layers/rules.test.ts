import { expect, test } from '@jest/globals'
import { checkLayers, type PackageTree } from '../../src/layers/rules.ts'

interface Sketch {
  readonly dependencies?: readonly string[]
  readonly devDependencies?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly exports?: readonly string[]
}

function tree(folder: string, sketch: Sketch = {}): PackageTree {
  const name = folder.split('/').at(-1) ?? ''
  const workspace = (names: readonly string[] = []) =>
    Object.fromEntries(names.map((one) => [one.includes('/') ? one : `@rocketmq-ts/${one}`, 'workspace:*']))
  return {
    folder,
    manifest: {
      name: `@rocketmq-ts/${name}`,
      exports: Object.fromEntries((sketch.exports ?? ['.']).map((entry) => [entry, {}])),
      dependencies: workspace(sketch.dependencies),
      devDependencies: workspace(sketch.devDependencies),
    },
    files: new Map(Object.entries(sketch.files ?? {}).map(([path, text]) => [`${folder}/${path}`, text])),
  }
}

/** Everything that may be imported, so that only the sketched package can be at fault. */
const GROUND = [
  tree('packages/bytes', { files: { 'src/index.ts': 'export const one = 1' } }),
  tree('packages/runtime', { exports: ['.', './node'] }),
  tree('packages/model'),
  tree('packages/store'),
  tree('packages/filter'),
  tree('packages/testkit'),
  tree('services/broker'),
  tree('services/proxy'),
  tree('packages/standalone'),
]

function reasons(...trees: PackageTree[]): string[] {
  const names = new Set(trees.map(({ folder }) => folder))
  return checkLayers([...GROUND.filter(({ folder }) => !names.has(folder)), ...trees]).map(
    ({ where, reason }) => `${where}: ${reason}`,
  )
}

test('layers: imports that point downwards through entry points → nothing to report', () => {
  const source = [
    "import { one } from '@rocketmq-ts/bytes'",
    "import type { Files } from '@rocketmq-ts/runtime'",
    "import assert from 'node:assert'",
    "export * from './unit.ts'",
  ].join('\n')
  expect(
    reasons(tree('packages/store', { dependencies: ['bytes', 'runtime'], files: { 'src/index.ts': source } })),
  ).toEqual([])
})

test('layers: an import that points upwards → reported with file and line', () => {
  const files = { 'src/a.ts': "\nimport { createBroker } from '@rocketmq-ts/broker'\n" }
  expect(reasons(tree('packages/model', { files }))).toEqual([
    'packages/model/src/a.ts:2: model (level 1) uses broker (level 4): upwards; imports point downwards only',
  ])
})

test.each([
  ['import over several lines', "import {\n  parse,\n} from '@rocketmq-ts/filter'"],
  ['type import', "import type { Filter } from '@rocketmq-ts/filter'"],
  ['import for its effects', "import '@rocketmq-ts/filter'"],
  ['re-export', "export { parse } from '@rocketmq-ts/filter'"],
  ['dynamic import', "const filter = await import('@rocketmq-ts/filter')"],
])('layers: sideways by %s → reported', (_kind, source) => {
  expect(reasons(tree('packages/store', { files: { 'src/a.ts': source } })).join()).toContain(
    'store (level 2) uses filter (level 2): sideways',
  )
})

test('layers: one service imports another → reported', () => {
  const files = { 'src/a.ts': "import '@rocketmq-ts/broker'" }
  expect(reasons(tree('services/proxy', { files })).join()).toContain('proxy (level 4) uses broker (level 4): sideways')
})

test('layers: a forbidden edge in package.json alone → reported', () => {
  expect(reasons(tree('packages/model', { dependencies: ['store'] }))).toEqual([
    'packages/model/package.json: model (level 1) uses store (level 2): upwards; imports point downwards only',
  ])
})

test('layers: an import that package.json does not declare → reported', () => {
  const files = { 'src/a.ts': "import '@rocketmq-ts/bytes'" }
  expect(reasons(tree('packages/model', { files })).join()).toContain('is not in the dependencies of package.json')
})

test('layers: past the entry points of a package → reported', () => {
  const deep = { 'src/a.ts': "import '@rocketmq-ts/bytes/src/reader.ts'" }
  expect(reasons(tree('packages/model', { dependencies: ['bytes'], files: deep })).join()).toContain(
    'is not an entry point',
  )
  const relative = { 'src/a.ts': "import '../../bytes/src/reader.ts'" }
  expect(reasons(tree('packages/model', { files: relative })).join()).toContain('leaves its package')
})

test('layers: a package without a level → reported', () => {
  expect(reasons(tree('packages/utils'))).toEqual([
    'packages/utils/package.json: utils has no level; give it one in packages/tooling/src/layers/rules.ts',
  ])
})

test('layers: testkit in a test → allowed; in production code or dependencies → reported', () => {
  const inTest = { 'test/a.test.ts': "import '@rocketmq-ts/testkit'" }
  expect(reasons(tree('packages/store', { devDependencies: ['testkit'], files: inTest }))).toEqual([])
  const inSource = { 'src/a.ts': "import '@rocketmq-ts/testkit'" }
  const found = reasons(tree('packages/store', { dependencies: ['testkit'], files: inSource }))
  expect(found).toEqual([
    'packages/store/package.json: store uses testkit, which is for tests and scripts only',
    'packages/store/src/a.ts:1: store uses testkit, which is for tests and scripts only',
  ])
})

test('layers: test-e2e imports anything of ours → reported', () => {
  const files = { 'first-hour.ts': "import '@rocketmq-ts/bytes'" }
  expect(reasons(tree('test-e2e', { files })).join()).toContain('test-e2e uses bytes; it imports nothing of ours')
})

test.each([
  'fs',
  'node:fs/promises',
  'node:net',
  'node:http',
  'node:http2',
  'node:tls',
  'node:dns',
  'node:timers/promises',
])('layers: %s outside of node/ → reported', (builtin) => {
  expect(reasons(tree('packages/store', { files: { 'src/a.ts': `import * as it from '${builtin}'` } }))).toEqual([
    `packages/store/src/a.ts:1: ${builtin} outside of a node/ folder; take it from the Effects`,
  ])
})

test.each([
  'node:worker_threads',
  'node:child_process',
  'node:perf_hooks',
  '@grpc/grpc-js',
  'pino',
  'prom-client',
  '@peculiar/x509',
])('layers: %s outside of node/ → reported; inside, in main.ts and in tests → allowed', (name) => {
  const source = `import it from '${name}'`
  expect(reasons(tree('packages/store', { files: { 'src/a.ts': source } }))).toHaveLength(1)
  const allowed = { 'src/node/a.ts': source, 'src/main.ts': source, 'test/a.test.ts': source }
  expect(reasons(tree('packages/grpc', { files: allowed }))).toEqual([])
})

test('layers: the node entry point of a package outside of node/ → reported; inside and in main.ts → allowed', () => {
  const source = "import { createNodeEffects } from '@rocketmq-ts/runtime/node'"
  const dependencies = ['runtime']
  expect(reasons(tree('packages/store', { dependencies, files: { 'src/a.ts': source } }))).toEqual([
    'packages/store/src/a.ts:1: @rocketmq-ts/runtime/node outside of a node/ folder; take it from the Effects',
  ])
  const allowed = { 'src/node/a.ts': source, 'src/main.ts': source, 'test/a.test.ts': source }
  expect(reasons(tree('packages/grpc', { dependencies, files: allowed }))).toEqual([])
})

test.each([
  'Date.now()',
  'new Date()',
  'Math.random()',
  'setTimeout(run, 1)',
  'setInterval(run, 1)',
  'setImmediate(run)',
  'performance.now()',
  'process.env.HOME',
  "new Worker('a.ts')",
  'crypto.randomUUID()',
  'globalThis.setTimeout(run)',
])('layers: %s outside of node/ → reported', (use) => {
  const found = reasons(tree('packages/store', { files: { 'src/a.ts': `const it = () => ${use}` } }))
  expect(found.join()).toContain('outside of a node/ folder; take it from the Effects')
  expect(reasons(tree('packages/grpc', { files: { 'src/node/a.ts': `const it = () => ${use}` } }))).toEqual([])
})

test.each([
  ['a comment', '// Date.now() and import "@rocketmq-ts/broker"\n/* setTimeout(x)\n * Math.random() */'],
  ['a string', 'const text = "Date.now() \\" import \'@rocketmq-ts/broker\'"'],
  ['a template', "const text = `Date.now() ${one /* Math.random() */} import '@rocketmq-ts/broker'`"],
  ['a regular expression', "const pattern = /['\"`]Date.now\\(/ // setTimeout('"],
  ['a property of our own', 'clock.setTimeout(run); const at = new Date(millis)'],
])('layers: an effect named in %s → not reported', (_kind, source) => {
  expect(reasons(tree('packages/store', { files: { 'src/a.ts': source } }))).toEqual([])
})

test('layers: code inside a template expression → seen', () => {
  const files = { 'src/a.ts': 'const text = `at ${[`${Date.now()}`]} o`' }
  expect(reasons(tree('packages/store', { files }))).toHaveLength(1)
})

test('layers: the codec imports the transport inside remoting → reported', () => {
  const files = { 'src/codec/a.ts': "import '../transport/server.ts'", 'src/transport/b.ts': "import '../codec/a.ts'" }
  expect(reasons(tree('packages/remoting', { files }))).toEqual([
    'packages/remoting/src/codec/a.ts:1: src/codec/ imports src/transport/',
  ])
})

test('layers: a node folder where none was decided → reported as if it were none', () => {
  const files = { 'src/node/a.ts': "import fs from 'node:fs'", 'src/deep/node/b.ts': "import net from 'node:net'" }
  expect(reasons(tree('packages/store', { files }))).toHaveLength(2)
  expect(reasons(tree('packages/grpc', { files }))).toHaveLength(1)
})

test('layers: nothing to read → a violation, never a green check', () => {
  expect(checkLayers([])).toEqual([
    { where: 'layer check', reason: 'read 0 files: the folders it looks into are wrong' },
  ])
})
