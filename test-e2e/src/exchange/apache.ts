// Apache's broker of Maven Central, as a process in a folder: what an operator has who comes from it or goes back to it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findCommand } from '../find-command.ts'
import { runProcess, type RunningProcess, startProcess, tailOf } from '../processes.ts'
import type { BrokerLife, BrokerPlace } from './broker-place.ts'
import { connectRemoting } from './remoting-client.ts'

const POM = fileURLToPath(new URL('../../apache/pom.xml', import.meta.url))
/** The class path; the files themselves are where Maven keeps what it fetches. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/rocketmq-ts/apache', import.meta.url))
const COMMANDS = ['java', 'mvn']
const FETCH_MS_MAX = 600_000
const READY_MS_MAX = 120_000
const READY_POLL_MS = 100
const GET_BROKER_RUNTIME_INFO = 28
/** A small heap, and a compiler that is soon done: a run lasts minutes. The store opens packages of the JDK. */
const JAVA_FLAGS = [
  '-Xms512m',
  '-Xmx1g',
  '-XX:MaxDirectMemorySize=1g',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '--add-opens',
  'java.base/java.nio=ALL-UNNAMED',
  '--add-exports',
  'java.base/sun.nio.ch=ALL-UNNAMED',
]
/** Of its loggers, those of the store and of what it reads from there. */
const COMPLAINT = / ERROR +Rocketmq(?:Store|Broker|Pop)/
/** One appender and no rolling: the log of a run is read when it failed. */
const LOGBACK = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
`

/** The version that the pom names. */
export function apacheVersion(): string {
  return /<version>(5[^<]*)<\/version>/.exec(readFileSync(POM, 'utf8'))?.[1] ?? 'unknown'
}

/** The commands that are not in PATH here. */
export function missingForApache(): readonly string[] {
  return COMMANDS.filter((command) => findCommand(command) === undefined)
}

/** Fetches what the pom names, unless that was done before; resolves with the class path. */
export async function fetchApache(): Promise<string> {
  const stamp = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 16)
  const file = join(CACHE, `class-path-${stamp}`)
  if (existsSync(file)) {
    const classPath = readFileSync(file, 'utf8')
    if (classPath.split(':').every((path) => existsSync(path))) return classPath
  }
  mkdirSync(CACHE, { recursive: true })
  const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${file}`]
  await runProcess('mvn', ['--quiet', '--batch-mode', '-f', POM, ...goal], { deadlineMs: FETCH_MS_MAX })
  return readFileSync(file, 'utf8')
}

export interface ApacheOptions {
  readonly classPath: string
  /** Gets its settings and its log; user.home of the process. */
  readonly home: string
  /** Further lines of broker.conf, e.g. sizes of files. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
}

/** Starts it; resolves when it answers. */
export async function startApacheBroker(place: BrokerPlace, options: ApacheOptions): Promise<BrokerLife> {
  const { classPath, home, settings = {} } = options
  const logFile = join(home, 'apache.log')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'logback.xml'), LOGBACK)
  const config = {
    brokerClusterName: 'DefaultCluster',
    brokerName: place.brokerName,
    brokerId: 0,
    brokerIP1: '127.0.0.1',
    namesrvAddr: `127.0.0.1:${place.nameserverPort}`,
    listenPort: place.port,
    haListenPort: place.haPort,
    storePathRootDir: place.folder,
    storePathCommitLog: join(place.folder, 'commitlog'),
    mappedFileSizeCommitLog: place.segmentBytes,
    brokerRole: 'ASYNC_MASTER',
    flushDiskType: 'ASYNC_FLUSH',
    autoCreateTopicEnable: true,
    autoCreateSubscriptionGroup: true,
    diskMaxUsedSpaceRatio: 95,
    waitTimeMillsInSendQueue: 5000,
    enableCompaction: false,
    ...settings,
  }
  const configFile = join(home, 'broker.conf')
  writeFileSync(
    configFile,
    Object.entries(config)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const startedMs = performance.now()
  let output = ''
  const child = startProcess(
    'java',
    [
      ...JAVA_FLAGS,
      `-Drmq.logback.configurationFile=${join(home, 'logback.xml')}`,
      `-Duser.home=${home}`,
      `-Drocketmq.home.dir=${home}`,
      '-cp',
      classPath,
      'org.apache.rocketmq.broker.BrokerStartup',
      '-c',
      configFile,
    ],
    {
      cwd: home,
      onOutput: (text) => {
        output += text
      },
    },
  )
  const writeLog = () => writeFileSync(logFile, `${output}${child.stderr}`, { flag: 'a' })
  await untilReady(child, place.port, startedMs)
  return {
    kind: 'Apache',
    readyMs: performance.now() - startedMs,
    complaints: () => complaintsIn(output),
    async stop() {
      child.signal('SIGTERM')
      const { code } = await child.ended
      writeLog()
      // 143: Java ran its shutdown hooks and ended by the signal.
      if (code !== 0 && code !== 143) throw new Error(`Apache's broker ended with ${code}:\n${tailOf(child)}`)
    },
    async kill() {
      child.signalGroup('SIGKILL')
      await child.ended
      writeLog()
    },
  }
}

/** Each with the line behind it, where Java says which exception it was. */
function complaintsIn(output: string): string[] {
  const lines = output.split('\n')
  return lines.flatMap((line, index) => (COMPLAINT.test(line) ? `${line} | ${lines[index + 1] ?? ''}` : []))
}

async function untilReady(child: RunningProcess, port: number, startedMs: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== undefined) {
      throw new Error(`Apache's broker ended with ${child.exitCode} before it was ready:\n${tailOf(child)}`)
    }
    if (performance.now() - startedMs > READY_MS_MAX) {
      throw new Error(`Apache's broker is not ready after ${READY_MS_MAX} ms:\n${tailOf(child)}`)
    }
    try {
      const client = await connectRemoting(port)
      const { code } = await client.ask(GET_BROKER_RUNTIME_INFO).finally(() => client.close())
      if (code === 0) return
    } catch {
      // It does not listen yet.
    }
    await sleep(READY_POLL_MS)
  }
}
