import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import {
  bytes,
  defineConfig,
  foreignSettings,
  type MemoryLimit,
  memoryBudget,
  parseConfig,
  port,
  readConfigFile,
  secret,
  text,
} from '../../src/index.ts'
import { configure, readMemoryLimit } from '../../src/node/index.ts'

const schema = defineConfig(
  {
    listenPort: port({ default: 10911, help: 'Remoting port.' }),
    brokerName: text({ default: 'broker-a', help: 'Name of the broker.' }),
    storePath: text({ default: '/data', help: 'Folder.' }),
    maxMessageSize: bytes({ default: 4_194_304, help: 'Largest body.' }),
    innerSecret: secret({ default: '', mayBeEmpty: true, help: 'Secret.' }),
    memoryBudget: memoryBudget(),
  },
  { envPrefix: 'TEST_', foreign: foreignSettings([{ names: 'threads', why: 'there are no threads' }]) },
)

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'configure-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function fileOf(content: string, name = 'broker.conf'): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const memory = ({ maxMessageSize }: { readonly maxMessageSize: number }, limit: MemoryLimit) => ({
  limit: { ...limit, from: 'container' as const, bytes: 1024, heapBytes: 512 },
  budgetBytes: maxMessageSize === 7 ? 2048 : 512,
  shares: [{ name: 'requests', bytes: 256, what: 'then busy' }],
})

async function run(argv: readonly string[], env: Record<string, string> = {}, isTerminal = false) {
  const printed: string[] = []
  const told: string[] = []
  const result = await configure({
    title: 'a broker',
    version: '1.2.3',
    schema,
    configFileEnv: 'TEST_CONFIG_FILE',
    argv,
    env,
    memory,
    print: (line) => void printed.push(line),
    tell: (line) => void told.push(line),
    isTerminal,
  })
  return { result, printed: printed.join('\n'), told: told.join('\n') }
}

test('configure: nothing is asked for → the configuration, its memory plan and its warnings, and nothing is said', async () => {
  const path = fileOf('listenPort=1\nthreads=5')
  const { result, printed, told } = await run(['-c', path, '--broker-name=b'])
  expect(result).toMatchObject({
    config: { listenPort: 1, brokerName: 'b' },
    memory: { budgetBytes: 512 },
    warnings: ['broker.conf:2: threads: has no effect: there are no threads'],
  })
  expect([printed, told]).toEqual(['', ''])
})

test('configure: the file of the variable → taken; the one of the flag is stronger', async () => {
  const [one, other] = [fileOf('listenPort=1', 'one'), fileOf('{"listenPort": 2}', 'other.json')]
  expect((await run([], { TEST_CONFIG_FILE: one })).result).toMatchObject({ config: { listenPort: 1 } })
  const both = await run([`--config-file=${other}`], { TEST_CONFIG_FILE: one })
  expect(both.result).toMatchObject({ config: { listenPort: 2 } })
})

test('configure: faults → all of them on standard error, 2, and no folder is touched', async () => {
  const path = fileOf('listenPort=x\nnope=1')
  const { result, printed, told } = await run(['-c', path, '--check-config', '--store-path=', '--json'], {
    TEST_X: '1',
  })
  expect(told).toBe(
    [
      'broker.conf:1: listenPort: "x" is not a whole number; expected a port from 0 to 65535',
      'broker.conf:2: nope: is not a setting',
      'TEST_X: is not a setting',
      '--json: goes with --print-config only',
      '--store-path: is empty',
      'Nothing was started. --help shows all settings.',
    ].join('\n'),
  )
  expect(result).toEqual({ exitCode: 2 })
  expect(printed).toBe('')
  expect(readdirSync(folder)).toEqual(['broker.conf'])
})

test.each([
  [['-c', '/nowhere/broker.conf'], {}, '--config-file: ENOENT'],
  [[], { TEST_CONFIG_FILE: '/nowhere/broker.conf' }, 'TEST_CONFIG_FILE: ENOENT'],
  [['-c', tmpdir()], {}, '--config-file: EISDIR'],
  [['-c', '/dev/zero'], {}, 'zero: is longer than 1048576 bytes'],
])('configure: a file that can not be read, %j %j → %s', async (argv, env, expected) => {
  const { result, told } = await run(argv, env as Record<string, string>)
  expect(told).toContain(expected)
  expect(result).toEqual({ exitCode: 2 })
})

test('check: a right configuration → says so with its warnings, 0', async () => {
  const { result, printed, told } = await run(['--check-config', '-c', fileOf('threads=5')])
  expect(printed).toBe('the configuration is valid')
  expect(told).toBe('warning: broker.conf:1: threads: has no effect: there are no threads')
  expect(result).toEqual({ exitCode: 0 })
})

test('check: a budget beyond what the container allows → a warning', async () => {
  const { told, result } = await run(['--check-config', '--max-message-size=7'])
  expect(told).toBe('warning: memoryBudget: 2048 bytes are more than the container allows, 1024')
  expect(result).toEqual({ exitCode: 0 })
})

test('print: into a file → that file gives the same configuration; a secret is not in it', async () => {
  const env = { TEST_INNER_SECRET: 'hunter2' }
  const argv = ['--print-config', '--listen-port', '7', '--broker-name', ' #a=\\b', '--memory-budget', '1g']
  const { printed } = await run(argv, env)
  expect(printed).not.toContain('hunter2')
  expect(printed).toContain('# --listen-port\nlistenPort=7\n')
  expect(printed).toContain('# TEST_INNER_SECRET\n# innerSecret=*** (masked)\n')
  const again = parseConfig(schema, { file: readConfigFile('again', Buffer.from(printed)), env })
  expect(again).toMatchObject({
    ok: true,
    warnings: [],
    config: { listenPort: 7, innerSecret: 'hunter2', memoryBudget: 2 ** 30 },
  })
})

test('print: on a terminal → columns with origins, and the memory plan', async () => {
  const { printed } = await run(['--print-config', '--listen-port', '7'], { TEST_INNER_SECRET: 'hunter2' }, true)
  expect(printed.split('\n')).toEqual([
    'listenPort      7         --listen-port',
    'brokerName      broker-a  default',
    'storePath       /data     default',
    'maxMessageSize  4MiB      default',
    'innerSecret     ***       TEST_INNER_SECRET',
    'memoryBudget    auto      default',
    '',
    'Memory: the container allows 1KiB, of which the heap 512B; the budget is 512B',
    '  requests      256B  then busy',
  ])
})

test('print: --json → values with their types and origins', async () => {
  const { printed } = await run(['--print-config', '--json'], { TEST_INNER_SECRET: 'hunter2' }, true)
  expect(JSON.parse(printed)).toMatchObject({
    settings: {
      listenPort: { value: 10911, origin: 'default' },
      innerSecret: { value: '***', origin: 'TEST_INNER_SECRET' },
    },
    memory: { budgetBytes: 512 },
  })
})

test('help and version → printed, 0; beside faults too', async () => {
  const help = await run(['--help', '--listen-port=x'])
  expect(help.printed).toContain('a broker 1.2.3\n\n  --listen-port <port>')
  expect(help.printed).toContain('--check-config')
  expect(help.result).toEqual({ exitCode: 0 })
  expect((await run(['--version'])).printed).toBe('1.2.3')
})

test('verify: faults that only the machine shows → told with the others, 2', async () => {
  const told: string[] = []
  const result = await configure({
    title: '',
    version: '',
    schema,
    configFileEnv: 'TEST_CONFIG_FILE',
    argv: [],
    env: {},
    memory,
    verify: async () => [{ kind: 'all', at: 0, source: 'storePath', reason: 'is on fire' }],
    print: () => {},
    tell: (line) => void told.push(line),
    isTerminal: false,
  })
  expect(told.join()).toContain('storePath: is on fire')
  expect(result).toEqual({ exitCode: 2 })
})

test('memory limit: this machine → at least 64 MiB, and a heap', () => {
  const limit = readMemoryLimit()
  expect(limit.bytes).toBeGreaterThan(64 * 1024 * 1024)
  expect(limit.heapBytes).toBeGreaterThan(16 * 1024 * 1024)
})
