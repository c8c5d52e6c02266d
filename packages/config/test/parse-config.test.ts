import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  bool,
  bytes,
  defaultConfig,
  defineConfig,
  describeConfig,
  durationMs,
  formatFaults,
  integer,
  oneOf,
  parseConfig,
  port,
  readFlags,
  readProperties,
  text,
} from '../src/index.ts'

const schema = defineConfig(
  {
    listenPort: port({ default: 10911, help: 'Remoting port.' }),
    brokerName: text({ help: 'Name of the broker.' }),
    flushDiskType: oneOf(['SYNC_FLUSH', 'ASYNC_FLUSH'], { default: 'ASYNC_FLUSH', flag: 'flush', help: 'Flush mode.' }),
    maxMessageSize: bytes({ default: 4_194_304, max: 67_108_864, help: 'Largest body.' }),
    flushIntervalCommitLog: durationMs({ default: 500, min: 10, help: 'Pause between flushes.' }),
    autoCreateTopicEnable: bool({ default: true, help: 'Creates topics on first use.' }),
    reviveQueueNum: integer({ default: 8, min: 1, max: 16, help: 'Queues.' }),
  },
  { envPrefix: 'TEST_BROKER_' },
)

function faultsOf(flags: Record<string, string>, env: Record<string, string> = {}): string {
  const result = parseConfig(schema, { flags: new Map(Object.entries(flags)), env })
  return result.ok ? '' : formatFaults(result.faults)
}

test('config: defaults and given values → one frozen object with the types of the schema', () => {
  const result = parseConfig(schema, { flags: new Map([['broker-name', 'a']]) })
  if (!result.ok) throw new Error(formatFaults(result.faults))
  const flush: 'SYNC_FLUSH' | 'ASYNC_FLUSH' = result.config.flushDiskType
  expect(flush).toBe('ASYNC_FLUSH')
  expect(result.config).toEqual({
    listenPort: 10911,
    brokerName: 'a',
    flushDiskType: 'ASYNC_FLUSH',
    maxMessageSize: 4_194_304,
    flushIntervalCommitLog: 500,
    autoCreateTopicEnable: true,
    reviveQueueNum: 8,
  })
  expect(Object.isFrozen(result.config)).toBe(true)
})

test('config: nothing set → the defaults, where there is one for each setting', () => {
  const withDefaults = defineConfig({ listenPort: port({ default: 1, help: 'Port.' }) }, { envPrefix: 'TEST_' })
  expect(defaultConfig(withDefaults)).toEqual({ listenPort: 1 })
  expect(() => defaultConfig(schema)).toThrow('a setting has no default')
})

test('config: one setting in all sources → flag wins over environment wins over properties', () => {
  const flags = new Map([['listen-port', '1']])
  const env = { TEST_BROKER_LISTEN_PORT: '2', TEST_BROKER_BROKER_NAME: 'e' }
  const properties = new Map([
    ['listenPort', '3'],
    ['brokerName', 'p'],
    ['maxMessageSize', '1k'],
  ])
  expect(parseConfig(schema, { flags, env, properties })).toMatchObject({
    ok: true,
    config: { listenPort: 1, brokerName: 'e', maxMessageSize: 1024 },
  })
})

test('config: several faults → all of them at once, each with its source and reason', () => {
  expect(
    faultsOf({ 'listen-port': '70000', flush: 'never', 'lisen-port': '1' }, { TEST_BROKER_MAX_MESSAGE_SIZE: '1 cup' }),
  ).toBe(
    [
      '--lisen-port: is not a setting; is --listen-port meant?',
      '--listen-port: "70000" is more than 65535',
      '--broker-name: is required (or TEST_BROKER_BROKER_NAME)',
      '--flush: "never" is not one of SYNC_FLUSH, ASYNC_FLUSH',
      'TEST_BROKER_MAX_MESSAGE_SIZE: "1 cup" is not a number of bytes such as 4194304, 512KiB or 4MiB',
    ].join('\n'),
  )
})

test('config: an unknown variable with the prefix → a fault; others are not ours', () => {
  expect(faultsOf({ 'broker-name': 'a' }, { PATH: '/bin', TEST_BROKER_COLOUR: 'red' })).toBe(
    'TEST_BROKER_COLOUR: is not a setting',
  )
})

test.each([
  ['max-message-size', '4MiB', 4_194_304],
  ['max-message-size', '512k', 524_288],
  ['flush-interval-commit-log', '30s', 30_000],
  ['flush-interval-commit-log', '2 min', 120_000],
])('config: --%s %s → %d', (flag, value, expected) => {
  const result = parseConfig(schema, {
    flags: new Map([
      ['broker-name', 'a'],
      [flag, value],
    ]),
  })
  expect(result.ok && Object.values(result.config)).toContain(expected)
})

test.each([
  ['revive-queue-num', '0', 'is less than 1'],
  ['revive-queue-num', '1e3', 'is not a whole number'],
  ['revive-queue-num', '', 'is not a whole number'],
  ['flush-interval-commit-log', '9999999999999999d', 'is beyond 2^53'],
  ['broker-name', '', 'is empty'],
  ['broker-name', 'a\nb', 'holds a control character'],
  ['auto-create-topic-enable', 'yes', 'is neither true nor false'],
])('config: --%s %j → refused', (flag, value, reason) => {
  const faults = faultsOf({ 'broker-name': 'a', [flag]: value })
  expect(faults).toMatch(`--${flag}: `)
  expect(faults).toContain(reason)
})

test('config: a text of 5000 characters → refused', () => {
  expect(faultsOf({ 'broker-name': 'x'.repeat(5000) })).toBe('--broker-name: is longer than 4096 characters')
})

test('config: what a setting writes → it reads again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 67_108_864 }), fc.boolean(), (size, automatic) => {
      const { maxMessageSize, autoCreateTopicEnable } = schema.settings
      expect(maxMessageSize.read(maxMessageSize.write(size))).toEqual({ ok: true, value: size })
      expect(autoCreateTopicEnable.read(autoCreateTopicEnable.write(automatic))).toEqual({ ok: true, value: automatic })
    }),
  )
})

test('config: two settings of one name → the schema is refused', () => {
  const help = 'Same.'
  expect(() =>
    defineConfig({ a: bool({ help, flag: 'same' }), b: bool({ help, flag: 'same' }) }, { envPrefix: 'T_' }),
  ).toThrow('two settings share a flag name')
})

test('flags: both spellings and switches → values by name', () => {
  const { values, faults } = readFlags(schema, [
    '--listen-port',
    '1',
    '--broker-name=b',
    '--no-auto-create-topic-enable',
  ])
  expect(faults).toEqual([])
  expect(Object.fromEntries(values)).toEqual({
    'listen-port': '1',
    'broker-name': 'b',
    'auto-create-topic-enable': 'false',
  })
})

test('flags: a bare word, a missing value, a repeated name → faults', () => {
  const { faults } = readFlags(schema, ['start', '--flush', '--listen-port', '1', '--listen-port=2'])
  expect(formatFaults(faults)).toBe(
    'start: is not a flag; flags begin with --\n--flush: needs a value\n--listen-port: is given twice',
  )
})

test('flags: any words → never throws', () => {
  fc.assert(fc.property(fc.array(fc.string()), (argv) => void readFlags(schema, argv)))
})

test("properties: Apache's file → values; a line that is none is a fault with its number", () => {
  const { values, faults } = readProperties('# broker\r\nbrokerName = a\nlistenPort=1\n\nnonsense\n')
  expect(Object.fromEntries(values)).toEqual({ brokerName: 'a', listenPort: '1' })
  expect(formatFaults(faults)).toBe('line 5: is not name=value')
})

test('help: each setting → flag, default and variable', () => {
  const help = describeConfig(schema)
  expect(help).toContain('--listen-port <port>\n      Remoting port. (default 10911; TEST_BROKER_LISTEN_PORT)')
  expect(help).toContain('(required; TEST_BROKER_BROKER_NAME)')
})
