// One of Apache's servers as a process: small heaps, and a log that is read when it failed.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunningProcess, startProcess, tailOf } from '../processes.ts'

const READY_MS_MAX = 120_000
const READY_POLL_MS = 100
/** A compiler that is soon done: a run lasts minutes. The store opens packages of the JDK. */
const JAVA_FLAGS = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '--add-opens',
  'java.base/java.nio=ALL-UNNAMED',
  '--add-exports',
  'java.base/sun.nio.ch=ALL-UNNAMED',
]
/** One appender and no rolling. */
const LOGBACK = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
`

export interface JavaServerOptions {
  /** For messages, e.g. “Apache's broker”. */
  readonly name: string
  readonly classPath: string
  /** Gets its settings and its log, `apache.log`; user.home of the process. */
  readonly home: string
  readonly heap: readonly string[]
  /** Class, and what follows it. */
  readonly main: readonly string[]
}

export interface JavaServer {
  /** Everything that it wrote to standard output. */
  readonly output: string
  /** Resolves with the milliseconds from its start to the first time that `answers` resolves with true. */
  ready(answers: () => Promise<boolean>): Promise<number>
  /** SIGTERM; rejects where it does not end well. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Starts it. */
export function startJavaServer({ name, classPath, home, heap, main }: JavaServerOptions): JavaServer {
  mkdirSync(home, { recursive: true })
  const logback = join(home, 'logback.xml')
  writeFileSync(logback, LOGBACK)
  const startedMs = performance.now()
  let output = ''
  const properties = [
    `-Drmq.logback.configurationFile=${logback}`,
    `-Duser.home=${home}`,
    `-Drocketmq.home.dir=${home}`,
  ]
  const child = startProcess('java', [...JAVA_FLAGS, ...heap, ...properties, '-cp', classPath, ...main], {
    cwd: home,
    onOutput: (text) => {
      output += text
    },
  })
  const writeLog = () => writeFileSync(join(home, 'apache.log'), `${output}${child.stderr}`, { flag: 'a' })
  return {
    get output() {
      return output
    },
    async ready(answers) {
      await untilReady(name, child, startedMs, answers)
      return performance.now() - startedMs
    },
    async stop() {
      child.signal('SIGTERM')
      const { code } = await child.ended
      writeLog()
      // 143: Java ran its shutdown hooks and ended by the signal.
      if (code !== 0 && code !== 143) throw new Error(`${name} ended with ${code}:\n${tailOf(child)}`)
    },
    async kill() {
      child.signalGroup('SIGKILL')
      await child.ended
      writeLog()
    },
  }
}

async function untilReady(
  name: string,
  child: RunningProcess,
  startedMs: number,
  answers: () => Promise<boolean>,
): Promise<void> {
  for (;;) {
    if (child.exitCode !== undefined) {
      throw new Error(`${name} ended with ${child.exitCode} before it was ready:\n${tailOf(child)}`)
    }
    if (performance.now() - startedMs > READY_MS_MAX) {
      throw new Error(`${name} is not ready after ${READY_MS_MAX} ms:\n${tailOf(child)}`)
    }
    try {
      if (await answers()) return
    } catch {
      // It does not listen yet.
    }
    await sleep(READY_POLL_MS)
  }
}
