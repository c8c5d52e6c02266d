import { expect, test } from '@jest/globals'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { MessagingService } from '@rocketmq-ts/grpc/v2'
import { createHarness } from './harness.ts'

const { Heartbeat, SendMessage } = MessagingService

test('metrics: calls → counted by method and code, with what was refused for a bound and what waits', async () => {
  const metrics = createMetricsRegistry()
  const { call, receive, time } = await createHarness({ 'receives-in-flight-max': '1' }, { metrics })
  await call(SendMessage, { messages: [] })
  await call(SendMessage, { messages: [] })
  receive({ filterExpression: { expression: 'none' } })
  receive()
  await call(Heartbeat, { clientType: 1 })
  await time.advance(1_000)
  const text = await metrics.expose()
  const lines = text.split('\n').filter((line) => !line.startsWith('#'))
  expect(lines).toContain('rocketmq_ts_grpc_requests_total{method="SendMessage",code="40016"} 2')
  expect(lines).toContain('rocketmq_ts_grpc_requests_total{method="Heartbeat",code="20000"} 1')
  expect(lines).toContain('rocketmq_ts_grpc_requests_total{method="ReceiveMessage",code="42900"} 1')
  expect(lines).toContain('rocketmq_ts_grpc_latency_milliseconds_count{method="SendMessage",code="40016"} 2')
  expect(lines).toContain('rocketmq_ts_grpc_rejected_total{bound="receives"} 1')
  expect(lines).toContain('rocketmq_ts_grpc_receives_waiting 1')
  expect(lines).toContain('rocketmq_proxy_up{proxy_mode="cluster"} 1')
})

test('metrics: clients, streams and held deliveries → as many as there are, by kind of client', async () => {
  const metrics = createMetricsRegistry()
  const { call } = await createHarness({}, { metrics })
  await call(Heartbeat, { clientType: 1 }, { clientId: 'one' })
  await call(Heartbeat, { clientType: 3, group: { name: 'G' } }, { clientId: 'two' })
  const lines = (await metrics.expose()).split('\n')
  expect(lines).toContain('rocketmq_ts_clients{client_type="producer"} 1')
  expect(lines).toContain('rocketmq_ts_clients{client_type="simple_consumer"} 1')
  expect(lines).toContain('rocketmq_ts_clients{client_type="push_consumer"} 0')
  expect(lines).toContain('rocketmq_ts_telemetry_streams 0')
  expect(lines).toContain('rocketmq_ts_held_messages 0')
  expect(lines).toContain('rocketmq_ts_ready 1')
})
