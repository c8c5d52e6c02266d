import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

const SCRIPT = fileURLToPath(new URL('../src/generate-protos.mjs', import.meta.url))

test('generated protos: made again from protos/ → the committed files', async () => {
  const { stderr } = await promisify(execFile)(process.execPath, [SCRIPT, '--check'])
  expect(stderr).toBe('')
}, 30_000)
