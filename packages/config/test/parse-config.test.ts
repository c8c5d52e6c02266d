import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  bool,
  bytes,
  type ConfigResult,
  defaultConfig,
  defineConfig,
  describeConfig,
  durationMs,
  foreignSettings,
  formatFaults,
  integer,
  oneOf,
  parseConfig,
  port,
  readConfigFile,
  readFlags,
  secret,
  text,
} from '../src/index.ts'

const schema = defineConfig(
  {
    listenPort: port({ default: 10911, help: 'Remoting port.' }),
    listenHost: text({ default: '127.0.0.1', aliases: ['bindAddress'], help: 'Address.' }),
    brokerName: text({ help: 'Name of the broker.' }),
    flushDiskType: oneOf(['SYNC_FLUSH', 'ASYNC_FLUSH'], { default: 'ASYNC_FLUSH', flag: 'flush', help: 'Flush mode.' }),
    maxMessageSize: bytes({ default: 4_194_304, max: 67_108_864, help: 'Largest body.' }),
    flushIntervalCommitLog: durationMs({ default: 500, min: 10, help: 'Pause between flushes.' }),
    autoCreateTopicEnable: bool({ default: true, help: 'Creates topics on first use.' }),
    reviveQueueNum: integer({ default: 8, min: 1, max: 16, help: 'Queues.' }),
    innerSecret: secret({ default: '', mayBeEmpty: true, help: 'Secret.' }),
  },
  {
    envPrefix: 'TEST_BROKER_',
    foreign: foreignSettings([
      { names: 'sendMessageThreadPoolNums pullMessageThreadPoolNums', why: 'there are no thread pools' },
      { names: 'brokerRole', only: ['ASYNC_MASTER'], why: 'there are no slaves' },
      { names: 'aclSecret', only: [''], why: 'there is no access control', isSecret: true },
    ]),
    check: ({ reviveQueueNum, maxMessageSize }) =>
      reviveQueueNum === 13 && maxMessageSize < 1024
        ? [{ key: 'reviveQueueNum', reason: '13 queues do not fit', remedy: 'raise maxMessageSize' }]
        : [],
  },
)

interface Sources {
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly file?: string
}

function read({ argv = [], env = {}, file }: Sources) {
  return parseConfig(schema, {
    flags: readFlags(schema, argv),
    env,
    ...(file === undefined ? {} : { file: readConfigFile('/etc/broker.conf', Buffer.from(file)) }),
  })
}

function textOf(result: ConfigResult<unknown>): string {
  return result.ok ? '' : formatFaults(result.faults)
}

const NAMED = ['--broker-name=a']

test('config: defaults and given values → one frozen object with the types of the schema', () => {
  const result = read({ argv: NAMED })
  if (!result.ok) throw new Error(formatFaults(result.faults))
  const flush: 'SYNC_FLUSH' | 'ASYNC_FLUSH' = result.config.flushDiskType
  expect(flush).toBe('ASYNC_FLUSH')
  expect(result.config).toEqual({
    listenPort: 10911,
    listenHost: '127.0.0.1',
    brokerName: 'a',
    flushDiskType: 'ASYNC_FLUSH',
    maxMessageSize: 4_194_304,
    flushIntervalCommitLog: 500,
    autoCreateTopicEnable: true,
    reviveQueueNum: 8,
    innerSecret: '',
  })
  expect(Object.isFrozen(result.config)).toBe(true)
})

test('config: nothing set → the defaults, where there is one for each setting', () => {
  const withDefaults = defineConfig({ listenPort: port({ default: 1, help: 'Port.' }) }, { envPrefix: 'TEST_' })
  expect(defaultConfig(withDefaults)).toEqual({ listenPort: 1 })
  expect(() => defaultConfig(schema)).toThrow('a setting has no default')
})

test('config: one setting in all sources → flag wins over environment wins over file, and the origin is told', () => {
  const result = read({
    argv: ['--listen-port', '1'],
    env: { TEST_BROKER_LISTEN_PORT: '2', TEST_BROKER_BROKER_NAME: 'e' },
    file: 'listenPort=3\nbrokerName=p\nmaxMessageSize=1k',
  })
  expect(result).toMatchObject({ ok: true, config: { listenPort: 1, brokerName: 'e', maxMessageSize: 1024 } })
  expect(result.ok && [...result.origins].slice(0, 5)).toEqual([
    ['listenPort', '--listen-port'],
    ['listenHost', 'default'],
    ['brokerName', 'TEST_BROKER_BROKER_NAME'],
    ['flushDiskType', 'default'],
    ['maxMessageSize', 'broker.conf:3'],
  ])
})

test('config: faults in all sources → all of them at once: the file by lines, the environment, flags in their order', () => {
  const faults = read({
    argv: ['start', '--lisen-port=1', '--listen-port=70000', '--flush', 'never'],
    env: { TEST_BROKER_MAX_MESSAGE_SIZE: '1 cup', TEST_BROKER_COLOUR: 'red', PATH: '/bin' },
    file: '# mine\nreviveQueueNum=0\n\nbrokerRole=SLAVE\nflushIntervalComitLog = 5\nbroken=\\u12\n',
  })
  expect(textOf(faults)).toBe(
    [
      'broker.conf:2: reviveQueueNum: "0" is less than 1; expected 1 to 16',
      'broker.conf:4: brokerRole: "SLAVE" is not offered: there are no slaves; remove it, or set it to ASYNC_MASTER',
      'broker.conf:5: flushIntervalComitLog: is not a setting; is flushIntervalCommitLog meant?',
      'broker.conf:6: \\u needs four hexadecimal digits; write \\\\u for the characters themselves',
      'TEST_BROKER_COLOUR: is not a setting',
      'TEST_BROKER_MAX_MESSAGE_SIZE: "1 cup" is not a number of bytes such as 4194304, 512KiB or 4MiB',
      'start: is not a flag; flags begin with --',
      '--lisen-port: is not a setting; is --listen-port meant?',
      '--listen-port: "70000" is more than 65535; expected a port from 0 to 65535',
      '--flush: "never" is not one of SYNC_FLUSH, ASYNC_FLUSH',
      '--broker-name: is required; give it, or set TEST_BROKER_BROKER_NAME',
    ].join('\n'),
  )
})

test.each([
  ['brokerName=a\nlistenPort=x', [], 'broker.conf:2: listenPort: "x" is not a whole number'],
  [
    'brokerName=a\nlistenPort=1\nlistenPort=1',
    [],
    'broker.conf:3: listenPort: is given twice, first in line 2; keep one',
  ],
  [
    'brokerName=a\nlistenHost=h\nbindAddress=h',
    [],
    'broker.conf:3: bindAddress: is the same setting as listenHost, which is given too; keep one',
  ],
  ['brokerName=a\nlistenPort=x', ['--listen-port=1'], 'broker.conf:2: listenPort: "x" is not a whole number'],
  ['brokerName=a\naclSecret=s3cret', [], 'broker.conf:2: aclSecret: what is given is not offered'],
  ['brokerName=a\nsendMessageThreadPoolNms=1', [], 'is not a setting; is sendMessageThreadPoolNums meant?'],
])('config: file %j with flags %j → %s', (file, argv, expected) => {
  expect(textOf(read({ file, argv }))).toContain(expected)
})

test('config: an unknown name that is short → no guess from names that share little with it', () => {
  expect(textOf(read({ argv: ['--broker-name=a', '--us=1'] }))).toBe('--us: is not a setting')
  expect(textOf(read({ argv: ['--broker-name=a', '--flsh=1'] }))).toBe('--flsh: is not a setting; is --flush meant?')
})

test('config: properties of Apache that have no effect → one warning each, and the configuration is taken', () => {
  const result = read({
    file: 'brokerName=a\nsendMessageThreadPoolNums=16\nbrokerRole = async_master \npullMessageThreadPoolNums=16',
  })
  expect(result.ok).toBe(true)
  expect(formatFaults(result.warnings)).toBe(
    [
      'broker.conf:2: sendMessageThreadPoolNums: has no effect: there are no thread pools',
      'broker.conf:4: pullMessageThreadPoolNums: has no effect: there are no thread pools',
    ].join('\n'),
  )
})

test('config: properties of Apache outside of a file → faults, for they are no settings', () => {
  expect(textOf(read({ argv: [...NAMED, '--broker-role=ASYNC_MASTER'] }))).toBe(
    '--broker-role: is not a setting; is --broker-name meant?',
  )
})

test('config: settings that do not go together → a fault at the one that was given', () => {
  expect(textOf(read({ argv: NAMED, file: '\nreviveQueueNum=13\nmaxMessageSize=1' }))).toBe(
    'broker.conf:2: reviveQueueNum: 13 queues do not fit; raise maxMessageSize',
  )
})

test('config: white space around the values of a file → not a part of them', () => {
  expect(read({ file: 'brokerName = a  \nautoCreateTopicEnable=false\t' })).toMatchObject({
    ok: true,
    config: { brokerName: 'a', autoCreateTopicEnable: false },
  })
})

test.each([
  ['--max-message-size', '4MiB', 4_194_304],
  ['--max-message-size', '512k', 524_288],
  ['--flush-interval-commit-log', '30s', 30_000],
  ['--flush-interval-commit-log', '2 min', 120_000],
])('config: %s %s → %d', (flag, value, expected) => {
  const result = read({ argv: [...NAMED, flag, value] })
  expect(result.ok && Object.values(result.config)).toContain(expected)
})

test.each([
  ['--revive-queue-num', '0', 'is less than 1; expected 1 to 16'],
  ['--revive-queue-num', '1e3', 'is not a whole number; expected 1 to 16'],
  ['--revive-queue-num', '', 'is not a whole number'],
  ['--max-message-size', '65MiB', 'is more than 64MiB; expected 0B to 64MiB'],
  ['--flush-interval-commit-log', '1', 'is less than 10ms; expected 10ms or more'],
  ['--flush-interval-commit-log', '9999999999999999d', 'is beyond 2^53'],
  ['--listen-host', '', 'is empty'],
  ['--listen-host', 'a\nb', 'holds a control character'],
  ['--listen-host', 'x'.repeat(5000), 'is longer than 4096 characters'],
  ['--auto-create-topic-enable', 'yes', 'is neither true nor false'],
])('config: %s %.20j → refused', (flag, value, reason) => {
  const faults = textOf(read({ argv: [...NAMED, `${flag}=${value}`] }))
  expect(faults).toMatch(`${flag}: `)
  expect(faults).toContain(reason)
})

test('config: a secret that can not be taken → its value is not in the fault', () => {
  expect(textOf(read({ argv: NAMED, env: { TEST_BROKER_INNER_SECRET: 'hunter2\n' } }))).toBe(
    'TEST_BROKER_INNER_SECRET: holds a control character',
  )
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
  expect(() => defineConfig({ a: bool({ help }), b: bool({ help, aliases: ['a'] }) }, { envPrefix: 'T_' })).toThrow(
    'two settings share a property name',
  )
})

test('help: numbers with a unit → shown in the largest that fits, and read again as the same', () => {
  const help = describeConfig(schema)
  expect(help).toContain('--max-message-size <bytes 0B … 64MiB>\n      Largest body. (default 4MiB; ')
  expect(help).toContain('--flush-interval-commit-log <duration ≥ 10ms>\n      Pause between flushes. (default 500ms; ')
})

test('help: one value is allowed → it alone is the shape, and what a fault expects', () => {
  const single = defineConfig({ brokerId: integer({ default: 0, max: 0, help: 'Id.' }) }, { envPrefix: 'T_' })
  expect(describeConfig(single)).toContain('--broker-id <0>')
  const result = parseConfig(single, { flags: readFlags(single, ['--broker-id', '3']) })
  expect(result.ok ? '' : formatFaults(result.faults)).toBe('--broker-id: "3" is more than 0; expected 0')
})

test('help: each setting → flag, default and variable', () => {
  const help = describeConfig(schema)
  expect(help).toContain('--listen-port <port>\n      Remoting port. (default 10911; TEST_BROKER_LISTEN_PORT)')
  expect(help).toContain('(required; TEST_BROKER_BROKER_NAME)')
  expect(help).toContain('(not set by default; TEST_BROKER_INNER_SECRET)')
})
