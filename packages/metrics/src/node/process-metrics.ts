// What the operating system and the engine say about this process, read when the metrics are exposed.
import { performance } from 'node:perf_hooks'
import { MetricName } from '../names.ts'
import type { MetricsRegistry } from '../registry.ts'

const MICROSECONDS = 1_000_000
const MILLISECONDS = 1000

/** Adds memory, processor time and event loop of this process to the registry. */
export function collectProcessMetrics(registry: MetricsRegistry): void {
  const residentMemory = registry.gauge(MetricName.processResidentMemory)
  const heapUsed = registry.gauge(MetricName.processHeapUsed)
  const externalMemory = registry.gauge(MetricName.processExternalMemory)
  const cpuSeconds = registry.counter(MetricName.processCpuSeconds)
  const eventLoopBusy = registry.gauge(MetricName.eventLoopBusy)
  registry.gauge(MetricName.processStartTime).set({}, performance.timeOrigin / MILLISECONDS)
  let cpuBefore = 0
  let loopBefore = performance.eventLoopUtilization()

  registry.collect(() => {
    const memory = process.memoryUsage()
    residentMemory.set({}, memory.rss)
    heapUsed.set({}, memory.heapUsed)
    externalMemory.set({}, memory.external)
    const { user, system } = process.cpuUsage()
    cpuSeconds.add({}, Math.max(0, user + system - cpuBefore) / MICROSECONDS)
    cpuBefore = user + system
    const loop = performance.eventLoopUtilization()
    eventLoopBusy.set({}, performance.eventLoopUtilization(loop, loopBefore).utilization)
    loopBefore = loop
  })
}
