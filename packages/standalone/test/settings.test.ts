import { expect, test } from '@jest/globals'
import { formatFaults, parseConfig, readConfigFile, readFlags } from '@rocketmq-ts/config'
import { isLoopback, standaloneConfig } from '../src/settings.ts'

function read(...argv: string[]) {
  return parseConfig(standaloneConfig, { flags: readFlags(standaloneConfig, argv) })
}

function faultsOf(...argv: string[]): string {
  const result = read(...argv)
  return result.ok ? '' : formatFaults(result.faults)
}

test('settings: none given → loopback and the usual ports', () => {
  expect(read()).toMatchObject({
    ok: true,
    config: { host: '127.0.0.1', grpcPort: 8081, brokerPort: 10911, nameserverPort: 9876, flush: 'async' },
  })
})

test('settings: an address that others can reach → refused without --allow-open', () => {
  expect(faultsOf('--host=0.0.0.0')).toContain('--host: 0.0.0.0 can be reached by other machines')
  expect(faultsOf('--host=0.0.0.0', '--allow-open')).toBe('')
})

test('settings: two ports alike → refused naming both flags; 0 is never alike', () => {
  expect(faultsOf('--broker-port=9876')).toBe(
    '--nameserver-port: 9876 is the port of --broker-port already; choose another',
  )
  expect(faultsOf('--broker-port=0', '--grpc-port=0')).toBe('')
})

test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('settings: %s → loopback', (host) => {
  expect(isLoopback(host)).toBe(true)
})
test.each(['0.0.0.0', '::', '10.0.0.1', '127.example.com', '128.0.0.1'])('settings: %s → not loopback', (host) => {
  expect(isLoopback(host)).toBe(false)
})

test('parts: any setting of a service, by flag, variable and file → its value', () => {
  const file = readConfigFile('standalone.conf', Buffer.from('broker.maxMessageSize = 1MiB\nproxy.clientsMax=7\n'))
  const flags = readFlags(standaloneConfig, ['--proxy.clients-max', '8', '--no-proxy.auto-create-topic'])
  const env = { ROCKETMQ_TS_NAMESERVER_TOPICS_MAX: '5' }
  const result = parseConfig(standaloneConfig, { file, flags, env })
  expect(result.ok && result.config).toMatchObject({
    nameserver: { topicsMax: 5 },
    broker: { maxMessageSize: 1024 * 1024 },
    proxy: { clientsMax: 8, autoCreateTopic: false },
  })
  expect(result.ok && result.origins.get('proxy.clientsMax')).toBe('--proxy.clients-max')
})

test('parts: the same as sections of a JSON file → the same', () => {
  const file = readConfigFile('standalone.json', Buffer.from('{"grpcPort": 0, "broker": {"brokerName": "b"}}'))
  const result = parseConfig(standaloneConfig, { file })
  expect(result.ok && result.config).toMatchObject({ grpcPort: 0, broker: { brokerName: 'b' } })
})

test("parts: a file of one service as Apache has it → each name is said with its part's", () => {
  const result = parseConfig(standaloneConfig, { file: readConfigFile('broker.conf', Buffer.from('brokerName=a')) })
  expect(result.ok ? '' : formatFaults(result.faults)).toBe(
    'broker.conf:1: brokerName: is not a setting; is broker.brokerName meant?',
  )
})

test('parts: what the server decides, and what nobody knows → faults that name the flag to use', () => {
  expect(faultsOf('--broker.listen-port=1', '--proxy.clints-max=1')).toBe(
    [
      '--broker.listen-port: is decided by --broker-port; remove it',
      '--proxy.clints-max: is not a setting; is --proxy.clients-max meant?',
    ].join('\n'),
  )
  const result = parseConfig(standaloneConfig, { env: { ROCKETMQ_TS_BROKER_FLUSH_DISK_TYPE: 'SYNC_FLUSH' } })
  expect(result.ok ? '' : formatFaults(result.faults)).toBe(
    'ROCKETMQ_TS_BROKER_FLUSH_DISK_TYPE: is decided by --flush; remove it',
  )
})
