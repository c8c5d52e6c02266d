import { expect, test } from '@jest/globals'
import { createMetricsRegistry } from '../../src/index.ts'
import { collectProcessMetrics } from '../../src/node/index.ts'

test('process metrics: exposed → memory, processor time and event loop of this process', async () => {
  const registry = createMetricsRegistry()
  collectProcessMetrics(registry)
  const text = await registry.expose()
  expect(text).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m)
  expect(text).toMatch(/^process_cpu_seconds_total \d/m)
  expect(text).toMatch(/^nodejs_eventloop_utilization \d/m)
})
