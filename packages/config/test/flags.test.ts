import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { bool, defineConfig, formatFaults, port, readCommandLine, readFlags, text } from '../src/index.ts'

const schema = defineConfig(
  {
    listenPort: port({ default: 1, help: 'Port.' }),
    brokerName: text({ default: 'a', help: 'Name.' }),
    autoCreate: bool({ default: true, help: 'Creates.' }),
  },
  { envPrefix: 'TEST_' },
)

test('flags: both spellings and switches → texts by name, in their order', () => {
  const { values, faults } = readFlags(schema, ['--listen-port', '1', '--broker-name=b', '--no-auto-create'])
  expect(faults).toEqual([])
  expect([...values].map(([name, { text: given }]) => [name, given])).toEqual([
    ['listen-port', '1'],
    ['broker-name', 'b'],
    ['auto-create', 'false'],
  ])
})

test('flags: a bare word, a missing value, a repeated name → faults', () => {
  const { faults } = readFlags(schema, ['start', '--broker-name', '--listen-port', '1', '--listen-port=2'])
  expect(formatFaults(faults)).toBe(
    [
      'start: is not a flag; flags begin with --',
      '--broker-name: needs a value',
      '--listen-port: is given twice; keep one',
    ].join('\n'),
  )
})

test('flags: a switch with a bare value → a fault that says how it is written', () => {
  const { faults } = readFlags(schema, ['--auto-create', 'false'])
  expect(formatFaults(faults)).toBe('false: is not a flag; flags begin with --; write --auto-create=false')
})

test('flags: any words → never throws', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (argv) => {
      readFlags(schema, argv)
      readCommandLine(argv)
    }),
  )
})

test('command line: what every service understands → taken out, the rest is settings', () => {
  expect(readCommandLine(['--listen-port', '1', '-c', 'a.conf', '--print-config', '--json'])).toEqual({
    action: 'print',
    helpAbout: '',
    json: true,
    configFile: 'a.conf',
    settings: ['--listen-port', '1'],
    faults: [],
  })
  expect(readCommandLine(['--help', 'broker'])).toMatchObject({ action: 'help', helpAbout: 'broker', settings: [] })
  expect(readCommandLine(['--check-config', '--config-file=b'])).toMatchObject({ action: 'check', configFile: 'b' })
})

test.each([
  [['-c'], '--config-file: needs a path'],
  [['-c', '--listen-port'], '--config-file: needs a path'],
  [['-c', 'a', '--config-file=b'], '--config-file: is given twice'],
  [['--json'], '--json: goes with --print-config only'],
])('command line: %j → %s', (argv, expected) => {
  expect(formatFaults(readCommandLine(argv).faults)).toBe(expected)
})
