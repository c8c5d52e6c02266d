import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { formatViolations, readWorkspace } from '../src/layer-check.ts'
import { checkLayers } from '../src/layers/rules.ts'

test('layer check: a workspace on disk → its sources, without node_modules and dist', () => {
  const root = mkdtempSync(join(tmpdir(), 'layers-'))
  try {
    const folder = join(root, 'packages/model')
    for (const part of ['src/deep', 'test', 'dist', 'node_modules/x'])
      mkdirSync(join(folder, part), { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: '@rocketmq-ts/model', exports: { '.': {} } }))
    writeFileSync(join(folder, 'src/deep/a.ts'), "import '@rocketmq-ts/broker'")
    writeFileSync(join(folder, 'test/a.test.ts'), '')
    writeFileSync(join(folder, 'dist/a.js'), "import '@rocketmq-ts/broker'")
    const packages = readWorkspace(root)
    expect(packages.map(({ files }) => [...files.keys()])).toEqual([
      ['packages/model/src/deep/a.ts', 'packages/model/test/a.test.ts'],
    ])
    expect(formatViolations(checkLayers(packages), 2)).toMatch(
      /broker has no level|upwards[^]*1 violations in 2 files$/,
    )
  } finally {
    rmSync(root, { recursive: true })
  }
})
