import { expect, test } from '@jest/globals'
import { rmqAlone } from './cli-harness.ts'

const COMMANDS = [
  'topic create',
  'topic list',
  'topic describe',
  'topic delete',
  'group create',
  'group update',
  'group list',
  'group describe',
  'group reset',
  'group delete',
  'send',
  'receive',
  'cluster status',
  'broker drain',
  'store check',
  'store dump',
  'store export',
  'store import',
  'store repair',
  'completion',
]

test.each(COMMANDS)('help: of %s → on standard output, with examples, exit code 0', async (command) => {
  const { code, out, err } = await rmqAlone(`${command} --help`)
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain(`Usage: rmq ${command}`)
  expect(out).toMatch(/\nExamples:\n {2}\$ /)
  expect(out).toContain('--nameserver <addresses>')
})

test('help: of everything → names every group of commands, and what is for shells is hidden', async () => {
  const { out } = await rmqAlone('--help')
  for (const name of ['topic', 'group', 'send', 'receive', 'cluster', 'broker', 'completion']) {
    expect(out).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
  }
  expect(out).not.toContain('__complete')
})

test.each([
  ['help', 'Usage: rmq [options]'],
  ['help topic', 'Usage: rmq topic'],
  ['help send', 'Usage: rmq send'],
])('help: rmq %s → the same as --help, exit code 0', async (command, text) => {
  const { code, out } = await rmqAlone(command)
  expect([code, out]).toEqual([0, expect.stringContaining(text)])
})

test('version: asked for → the version alone', async () => {
  expect((await rmqAlone('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.each([
  ['', 'Usage: rmq'],
  ['topic', 'Usage: rmq topic'],
  ['nonsense', "rmq: unknown command 'nonsense'"],
  ['topic creat t', "rmq: unknown command 'creat'\n(Did you mean create?)"],
  ['topic create', "rmq: missing required argument 'topic'"],
  ['topic create t extra', 'rmq: too many arguments'],
  ['topic create t --quues 3', "rmq: unknown option '--quues'\n(Did you mean --queues?)"],
  ['topic create t --queues 0', `argument '0' is invalid. "0" is less than 1.`],
  ['topic create t --queues many', '"many" is not a whole number.'],
  ['topic create t --type FAST', 'It must be one of NORMAL, FIFO, DELAY, TRANSACTION, MIXED.'],
  ['topic create t --perm x', 'It must be r, w or rw.'],
  ['group create g --max-attempts 0', '"0" is less than 1.'],
  ['receive t --group g --invisible soon', '"soon" is not a duration'],
  ['receive t --group g --wait 5', "argument '5' is invalid. It has no unit: write 5s or 5ms."],
  ['cluster status --nameserver host', "'host' is not of the form host:port."],
  ['cluster status --nameserver ;', 'It must name 1 to 64 addresses.'],
  ['completion tcsh', "rmq: command-argument value 'tcsh' is invalid for argument 'shell'"],
])('usage: rmq %s → exit code 2, standard error says %s, and nothing is on standard output', async (command, text) => {
  const { code, out, err } = await rmqAlone(command)
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(text)
})
