import { expect, test } from '@jest/globals'
import { formatFaults, parseConfig } from '@rocketmq-ts/config'
import { checkSettings, isLoopback, standaloneConfig } from '../src/settings.ts'

function faultsOf(flags: Readonly<Record<string, string>>): string {
  const result = parseConfig(standaloneConfig, { flags: new Map(Object.entries(flags)) })
  return formatFaults(result.ok ? checkSettings(result.config) : result.faults)
}

test('settings: none given → loopback and the usual ports', () => {
  const result = parseConfig(standaloneConfig, {})
  expect(result).toMatchObject({
    ok: true,
    config: { host: '127.0.0.1', grpcPort: 8081, brokerPort: 10911, nameserverPort: 9876, flush: 'async' },
  })
})

test('settings: an address that others can reach → refused without --allow-open', () => {
  expect(faultsOf({ host: '0.0.0.0' })).toContain('--host: 0.0.0.0 can be reached by other machines')
  expect(faultsOf({ host: '0.0.0.0', 'allow-open': 'true' })).toBe('')
})

test('settings: two ports alike → refused naming both flags; 0 is never alike', () => {
  expect(faultsOf({ 'broker-port': '9876' })).toBe('--nameserver-port: 9876 is the port of --broker-port already')
  expect(faultsOf({ 'broker-port': '0', 'grpc-port': '0' })).toBe('')
})

test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('settings: %s → loopback', (host) => {
  expect(isLoopback(host)).toBe(true)
})
test.each(['0.0.0.0', '::', '10.0.0.1', '127.example.com', '128.0.0.1'])('settings: %s → not loopback', (host) => {
  expect(isLoopback(host)).toBe(false)
})
