// Services that can not start: a port or a folder that somebody has, and settings that are none.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePortList } from '../free-ports.ts'
import type { Mistake } from './mistake.ts'
import type { Part } from '../parts.ts'
import type { Person } from './person.ts'

export interface StartsOptions {
  readonly person: Person
  readonly nameserver: Part
  readonly broker: Part
  readonly proxy: Part
  readonly scratch: string
}

/** On Linux the holder is found; elsewhere the sentence does without. */
const holderOf = ({ process: { pid } }: Part) =>
  process.platform === 'linux' ? `process ${pid} (` : 'is taken by another process'

export function takenPorts({ person, nameserver, broker, proxy, scratch }: StartsOptions): Mistake[] {
  const folder = join(scratch, 'npm-start')
  const { port } = broker
  return [
    {
      name: 'port taken: npm start → what it prints',
      async read() {
        const [grpc = 0, remoting = 0, health = 0] = await freePortList(3)
        const ports = [`--grpc-port=${grpc}`, `--broker-port=${remoting}`, `--health-port=${health}`]
        return person.npmStart('--data-dir', folder, ...ports, `--nameserver-port=${nameserver.port}`)
      },
      cause: `port 127.0.0.1:${nameserver.port} is taken by ${holderOf(nameserver)}`,
      remedy: 'Choose another with --nameserver-port',
    },
    {
      name: 'port taken: the broker alone → what it prints',
      read: () =>
        person.service('broker', [`--listen-port=${port}`, '--health-port=0', '--store-path-root-dir', folder]),
      cause: `port 127.0.0.1:${port} is taken by ${holderOf(broker)}`,
      remedy: '--listen-port',
    },
    {
      name: 'port taken: the nameserver alone → what it prints',
      read: () => person.service('nameserver', [`--listen-port=${nameserver.port}`, '--health-port=0']),
      cause: `port 127.0.0.1:${nameserver.port} is taken by ${holderOf(nameserver)}`,
      remedy: '--listen-port',
    },
    {
      name: 'port taken: the proxy alone → what it prints',
      read: () =>
        person.service('proxy', [`--grpc-server-port=${proxy.port}`, '--health-port=0', '--tls-mode=disabled']),
      cause: `port 127.0.0.1:${proxy.port} is taken by ${holderOf(proxy)}`,
      remedy: '--grpc-server-port',
    },
    {
      name: 'port taken: the health port of a service → what it prints',
      read: () => person.service('nameserver', ['--listen-port=0', `--health-port=${proxy.healthPort}`]),
      cause: `port 127.0.0.1:${proxy.healthPort} is taken by ${holderOf(proxy)}`,
      remedy: '--health-port',
    },
  ]
}

export function takenFolders({ person, broker, scratch }: StartsOptions, standalone: Standalone): Mistake[] {
  const ports = ['--grpc-port=0', '--broker-port=0', '--nameserver-port=0', '--health-port=0']
  return [
    {
      name: 'folder in use: npm start twice → what the second prints',
      read: () => person.npmStart('--data-dir', standalone.dataDir, ...ports),
      cause: `the folder is held by process ${standalone.pid}`,
      remedy: 'Choose another folder with --data-dir',
    },
    {
      name: 'folder in use: two brokers → what the second prints',
      read: () =>
        person.service('broker', ['--listen-port=0', '--health-port=0', '--store-path-root-dir', broker.folder]),
      cause: `the folder is held by process ${broker.process.pid}`,
      remedy: '--store-path-root-dir',
    },
    {
      name: 'folder in use: a folder that can not be written → what npm start prints',
      read: () => {
        const file = join(scratch, 'a-file')
        writeFileSync(file, '')
        return person.npmStart('--data-dir', file, ...ports)
      },
      cause: 'a-file',
      remedy: '--data-dir',
    },
  ]
}

export interface Standalone {
  readonly dataDir: string
  readonly pid: number
}

export function wrongSettings({ person, scratch }: StartsOptions): Mistake[] {
  const file = join(scratch, 'broker.conf')
  const inFile = (lines: string) => {
    writeFileSync(file, lines)
    return person.service('broker', ['--config-file', file])
  }
  return [
    {
      name: 'wrong setting: a misspelled flag of npm start → what it prints',
      read: () => person.npmStart('--grcp-port=9000'),
      cause: '--grcp-port: is not a setting',
      remedy: 'is --grpc-port meant?',
    },
    {
      name: 'wrong setting: a misspelled variable of the proxy → what it prints',
      read: () => person.service('proxy', [], { ROCKETMQ_TS_PROXY_TLS_MOD: 'enforcing' }),
      cause: 'ROCKETMQ_TS_PROXY_TLS_MOD: is not a setting',
      remedy: 'is ROCKETMQ_TS_PROXY_TLS_MODE meant?',
    },
    {
      name: 'wrong setting: a misspelled key in broker.conf → its line',
      read: () => inFile('brokerName=a\n\nflushDiskTyp=SYNC_FLUSH\n'),
      cause: 'broker.conf:3: flushDiskTyp: is not a setting',
      remedy: 'is flushDiskType meant?',
    },
    {
      name: 'wrong setting: a value that is none, in broker.conf → its line',
      read: () => inFile('# the ports\nlistenPort=ten\n'),
      cause: 'broker.conf:2: listenPort: "ten" is not a whole number',
      remedy: 'a port from 0 to 65535',
    },
    {
      name: 'wrong setting: a file that is not there → what the broker prints',
      read: () => person.service('broker', ['--config-file', join(scratch, 'brokers.conf')]),
      cause: 'brokers.conf',
      remedy: '--config-file',
    },
    {
      name: 'wrong setting: a misspelled flag of rmq → what it prints',
      read: () => person.rmq(2, 'topic', 'create', 'orders', '--queue', '4'),
      cause: "unknown option '--queue'",
      remedy: '--queues',
    },
  ]
}
