import { expect, test } from '@jest/globals'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepPageCache, touchPageCache } from '../../src/store/page-cache.ts'

const MIB = 1024 * 1024

test('page cache: kept for a run → the bytes are there as long as it rests, and only the files of others afterwards', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'page-cache-'))
  try {
    writeFileSync(join(folder, 'data'), 'of the part')
    touchPageCache(folder, MIB)
    expect(readdirSync(folder)).toEqual(['data'])
    const kept = keepPageCache(folder, MIB, 0)
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).size)).toEqual(['of the part'.length, MIB])
    await kept
    expect(readdirSync(folder)).toEqual(['data'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
