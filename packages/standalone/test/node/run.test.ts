// The command as a process: what it says, where it listens, and how it ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { MetricName } from '@rocketmq-ts/metrics'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const NODE_FLAGS = ['--conditions=source', '--disable-warning=ExperimentalWarning']
const FREE_PORTS = ['--grpc-port', '0', '--broker-port', '0', '--nameserver-port', '0', '--health-port', '0']
/** Shared by all starts here and by later runs: it only saves time. */
const COMPILE_CACHE = join(tmpdir(), 'rocketmq-ts-compiled')
const TEST_TIMEOUT_MS = 30_000

interface Ready {
  readonly grpc: string
  readonly broker: string
  readonly nameserver: string
  readonly health: string
  readonly dataDir: string
}
interface Running {
  readonly child: ChildProcess
  readonly ready: Promise<Ready>
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

let folder = ''
const running: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'standalone-'))
})
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(...args: string[]): Running {
  const child = spawn(process.execPath, [...NODE_FLAGS, MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
  })
  running.push(child)
  const ready = Promise.withResolvers<Ready>()
  const ended = Promise.withResolvers<{ code: number | null; stdout: string; stderr: string }>()
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    const line = stdout.split('\n').find((one) => one.includes('"standalone.ready"') && one.endsWith('}'))
    if (line !== undefined) ready.resolve(JSON.parse(line) as Ready)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.once('close', (code) => {
    ended.resolve({ code, stdout, stderr })
    ready.reject(new Error(`ended before it was ready: ${stderr}`))
  })
  ready.promise.catch(() => {}) // some tests wait for the end only
  return { child, ready: ready.promise, ended: ended.promise }
}

test(
  'standalone: ephemeral on free ports → ready, every metric of the list; a signal ends it with 0 and leaves nothing',
  async () => {
    const { child, ready, ended } = start('--ephemeral', '--data-dir', folder, ...FREE_PORTS)
    const { health, grpc, dataDir } = await ready
    expect(readdirSync(folder).map((name) => join(folder, name))).toEqual([dataDir])
    expect(await (await fetch(`http://${health}/readyz`)).json()).toMatchObject({ ready: true })
    const metrics = await (await fetch(`http://${health}/metrics`)).text()
    expect(metrics).toContain('node_type="broker"')
    const ofQueues = await (await fetch(`http://${health}/metrics/queues?group=G`)).text()
    const exposed = new Set((metrics + ofQueues).split('\n').filter((line) => line.startsWith('# TYPE ')))
    for (const { name, kind } of Object.values(MetricName)) expect(exposed).toContain(`# TYPE ${name} ${kind}`)
    for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'nodejs_eventloop_lag_p99_seconds']) {
      expect(exposed).toContain(`# TYPE ${name} gauge`)
    }
    expect(metrics).toContain(
      'rocketmq_ts_brokers_registered{cluster="DefaultCluster",node_id="nameserver-a",node_type="nameserver"} 1',
    )
    child.kill('SIGINT')
    const { code, stderr, stdout } = await ended
    expect(stderr).toContain(`new Producer({ endpoints: '${grpc}' })`)
    expect(stdout).toContain('"standalone.stopped"')
    expect(code).toBe(0)
    expect(readdirSync(folder)).toEqual([])
  },
  TEST_TIMEOUT_MS,
)

test(
  'standalone: a port is taken → exit 1 with one sentence that names it and the flag',
  async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen({ host: '127.0.0.1', port: 0 }, resolve))
    try {
      const { port } = holder.address() as AddressInfo
      for (const [flag, owner] of [
        ['--grpc-port', 'the proxy'],
        ['--broker-port', 'the broker'],
        ['--nameserver-port', 'the nameserver'],
        ['--health-port', 'the health server'],
      ] as const) {
        const ports = FREE_PORTS.map((word, index) => (FREE_PORTS[index - 1] === flag ? String(port) : word))
        const { code, stderr } = await start('--ephemeral', '--data-dir', folder, ...ports).ended
        expect(stderr).toMatch(
          new RegExp(
            `^${owner} can not start: port 127.0.0.1:${port} is taken by (?:process ${process.pid}|another) .*\\. ` +
              `Choose another with ${flag}, or stop the process that holds it\\.\n$`,
          ),
        )
        expect(code).toBe(1)
      }
      expect(readdirSync(folder)).toEqual([])
    } finally {
      holder.close()
    }
  },
  TEST_TIMEOUT_MS,
)

test(
  'standalone: the data folder is in use → exit 1 naming the holder; after kill -9 of the holder it can be used',
  async () => {
    const first = start('--data-dir', folder, ...FREE_PORTS)
    await first.ready
    const { code, stderr } = await start('--data-dir', folder, ...FREE_PORTS).ended
    expect(stderr).toMatch(/held by process \d+, broker broker-a.*--data-dir\.\n$/)
    expect(code).toBe(1)
    first.child.kill('SIGKILL')
    await first.ended
    const next = start('--data-dir', folder, ...FREE_PORTS)
    await next.ready
    next.child.kill('SIGTERM')
    expect((await next.ended).code).toBe(0)
  },
  TEST_TIMEOUT_MS,
)

test(
  'standalone: wrong settings → exit 2 with all of them, and nothing is made',
  async () => {
    const args = ['--data-dir', join(folder, 'new'), '--grpc-port', 'x', '--flash', 'sync']
    const { code, stderr } = await start(...args).ended
    expect(stderr).toBe(
      [
        '--grpc-port: "x" is not a whole number; expected a port from 0 to 65535',
        '--flash: is not a setting; is --flush meant?',
        'Nothing was started. --help shows all settings.',
        '',
      ].join('\n'),
    )
    expect(code).toBe(2)
    expect(readdirSync(folder)).toEqual([])
  },
  TEST_TIMEOUT_MS,
)

test(
  'standalone: all addresses with --allow-open → a warning, routes name an address that can be reached',
  async () => {
    const { child, ready, ended } = start('--ephemeral', '--host', '0.0.0.0', '--allow-open', ...FREE_PORTS)
    const { broker } = await ready
    expect(broker).not.toMatch(/^0\.0\.0\.0:/)
    child.kill('SIGTERM')
    const { stdout, code } = await ended
    expect(stdout).toMatch(/"level":"warn".*"standalone.open","host":"0.0.0.0"/)
    expect(code).toBe(0)
  },
  TEST_TIMEOUT_MS,
)

test(
  'standalone: --help and --version → told, exit 0',
  async () => {
    const help = await start('--help').ended
    expect(help.stdout).toContain('--grpc-port <port>')
    expect(help.code).toBe(0)
    expect((await start('--version').ended).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  },
  TEST_TIMEOUT_MS,
)

test(
  'standalone: --check-config and --print-config → said, exit 0, nothing made; what is printed is a file that it takes',
  async () => {
    const dataDir = join(folder, 'new')
    const printed = await start('--print-config', '--data-dir', dataDir, '--broker.max-message-size=1MiB').ended
    expect(printed.stdout).toContain('# --broker.max-message-size\nbroker.maxMessageSize=1MiB\n')
    expect(printed.stdout).toMatch(/# {3}broker: unfinished requests +\d+[GMK]iB/)
    expect(printed.code).toBe(0)
    const file = join(folder, 'standalone.conf')
    writeFileSync(file, printed.stdout)
    const checked = await start('--check-config', '-c', file).ended
    expect(checked).toEqual({ code: 0, stdout: 'the configuration is valid\n', stderr: '' })
    expect(readdirSync(folder)).toEqual(['standalone.conf'])
  },
  TEST_TIMEOUT_MS,
)
