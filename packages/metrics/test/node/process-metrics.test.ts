import { expect, test } from '@jest/globals'
import { createProcessMetrics } from '../../src/node/index.ts'

test('process metrics: exposed twice → memory, processor time and event loop of this process, no name twice', async () => {
  const metrics = createProcessMetrics()
  await metrics.expose()
  const text = await metrics.expose()
  expect(text).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m)
  expect(text).toMatch(/^process_cpu_seconds_total \d/m)
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  expect(new Set(names).size).toBe(names.length)
})
