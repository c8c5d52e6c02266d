// One program per language in sdk/: it sends, receives, acknowledges and gets pushed with the official client.
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Checks } from '../checks.ts'
import { runProcess, type RunningProcess, startProcess, tailOf } from '../processes.ts'
import { expectThat, runCheck } from '../steps.ts'
import { findCommand } from './toolbox.ts'

const SDK_FOLDER = fileURLToPath(new URL('../../sdk', import.meta.url))
const BUILD_MS_MAX = 280_000
/** Closing a push consumer waits for its poll to end: 20 s in Java. */
const RUN_MS_MAX = 100_000

interface Language {
  readonly name: string
  /** Its client, and whether that uses TLS unasked. */
  readonly client: string
  readonly transport: string
  readonly commands: readonly string[]
  /** Installs and builds in a copy of sdk/<name>; resolves with the command that runs the program. */
  build(folder: string): Promise<readonly string[]>
}

const inFolder = (cwd: string) => ({ cwd, deadlineMs: BUILD_MS_MAX })

const LANGUAGES: readonly Language[] = [
  {
    name: 'java',
    client: 'rocketmq-client-java 5.2.0',
    transport: 'its default TLS',
    commands: ['java', 'mvn'],
    async build(folder) {
      const classPathFile = join(folder, 'class-path')
      const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${classPathFile}`]
      await runProcess('mvn', ['--quiet', '--batch-mode', ...goal], inFolder(folder))
      return ['java', '-cp', readFileSync(classPathFile, 'utf8'), `-Duser.home=${folder}`, 'RoundTrip.java']
    },
  },
  {
    name: 'go',
    client: 'golang/v5 5.1.4',
    transport: 'its default TLS',
    commands: ['go'],
    async build(folder) {
      await runProcess('go', ['build', '-mod=readonly', '-o', 'round-trip', '.'], inFolder(folder))
      return [join(folder, 'round-trip')]
    },
  },
  {
    name: 'python',
    client: 'rocketmq-python-client 5.1.2',
    transport: 'its default plaintext',
    commands: ['python3'],
    async build(folder) {
      await runProcess('python3', ['-m', 'venv', 'venv'], inFolder(folder))
      const pip = join(folder, 'venv/bin/pip')
      await runProcess(pip, ['install', '--quiet', '--requirement', 'requirements.txt'], inFolder(folder))
      return [join(folder, 'venv/bin/python'), 'round_trip.py']
    },
  },
]

interface Started {
  readonly language: Language
  readonly program: RunningProcess
}

/** Builds one after the other, runs all side by side since they mostly wait, and counts every step of each. */
export async function checkRoundTrips(checks: Checks, endpoints: string, scratch: string): Promise<void> {
  const started: Started[] = []
  for (const language of LANGUAGES) {
    const { name, client, commands } = language
    const missing = commands.filter((command) => findCommand(command) === undefined)
    if (missing.length > 0) {
      checks.skip(`${name}: ${client}`, `${missing.join(' and ')} not in PATH`)
      continue
    }
    await runCheck(checks, `${name}: the program builds with ${client}`, async () => {
      const folder = join(scratch, name)
      mkdirSync(folder, { recursive: true })
      cpSync(join(SDK_FOLDER, name), folder, { recursive: true })
      const [command = '', ...args] = await language.build(folder)
      // The clients write their logs into the home folder.
      const options = { cwd: folder, env: { ...process.env, HOME: folder } }
      started.push({ language, program: startProcess(command, [...args, endpoints, `round-trip-${name}`], options) })
    })
  }
  await Promise.all(started.map(({ program }) => endInTime(program)))
  for (const each of started) await checkSteps(checks, each)
}

async function endInTime(program: RunningProcess): Promise<void> {
  const timer = setTimeout(() => program.signalGroup('SIGKILL'), RUN_MS_MAX)
  await program.ended
  clearTimeout(timer)
}

async function checkSteps(checks: Checks, { language, program }: Started): Promise<void> {
  const { name, transport } = language
  const lines = program.stdout.split('\n')
  const sent = lines.find((line) => line.startsWith('sent '))?.split(' ')[1]
  const said = (word: string) =>
    lines.some((line) => sent !== undefined && line.split(' ', 2).join(' ') === `${word} ${sent}`)
  const steps = {
    sent: 'sends',
    received: 'SimpleConsumer receives',
    acked: 'acknowledges',
    pushed: 'PushConsumer receives',
  }
  for (const [word, step] of Object.entries(steps)) {
    await runCheck(checks, `${name}: ${step} over ${transport}`, () => {
      expectThat(said(word), `it did not say "${word} ${sent ?? '…'}":\n${tailOf(program)}`)
    })
  }
  await runCheck(checks, `${name}: the program closes its clients and exits with 0`, () => {
    expectThat(program.exitCode === 0, `it ended with ${program.exitCode}:\n${tailOf(program)}`)
  })
}
