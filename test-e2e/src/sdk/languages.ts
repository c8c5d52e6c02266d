// The official clients by language: what their programs in sdk/ need on this machine, and how they are built.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCommand } from '../find-command.ts'
import { runProcess } from '../processes.ts'

const SDK_FOLDER = fileURLToPath(new URL('../../sdk', import.meta.url))
/** Dependencies and builds, kept from run to run. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/rocketmq-ts/sdk', import.meta.url))
/** A first build of Rust takes 100 s of a free machine with two cores. */
export const BUILD_MS_MAX = 600_000
const STAMP = 'built.json'
/** Otherwise a Java VM takes what heap the machine has to give, whatever its program needs: nobody could tell a leak. */
const JAVA_HEAP = ['-Xms32m', '-Xmx128m']

export type LanguageName = 'java' | 'go' | 'python' | 'node' | 'rust'

export interface Language {
  readonly name: LanguageName
  /** Its client, and what that speaks unasked. */
  readonly client: string
  readonly transport: 'TLS' | 'plaintext'
  /** Where it logs: into files in the home folder, or to standard error. */
  readonly logs: 'files' | 'stderr'
  /** What has to be installed. */
  readonly commands: readonly string[]
  /** Installs and builds in a copy of sdk/<name>; resolves with the command that runs the program. */
  build(folder: string): Promise<readonly string[]>
}

const inFolder = (cwd: string) => ({ cwd, deadlineMs: BUILD_MS_MAX })

export const LANGUAGES: readonly Language[] = [
  {
    name: 'node',
    client: 'rocketmq-client-nodejs 1.0.8',
    transport: 'plaintext',
    logs: 'stderr',
    commands: ['node'],
    // The client is a dependency of this package, so the program runs where it lies.
    build: async () => [process.execPath, join(SDK_FOLDER, 'node/scenarios.mjs')],
  },
  {
    name: 'python',
    client: 'rocketmq-python-client 5.1.2',
    transport: 'plaintext',
    logs: 'files',
    commands: ['python3'],
    async build(folder) {
      await runProcess('python3', ['-m', 'venv', 'venv'], inFolder(folder))
      const pip = join(folder, 'venv/bin/pip')
      await runProcess(pip, ['install', '--quiet', '--requirement', 'requirements.txt'], inFolder(folder))
      return [join(folder, 'venv/bin/python'), join(folder, 'scenarios.py')]
    },
  },
  {
    name: 'go',
    client: 'golang/v5 5.1.4',
    transport: 'TLS',
    logs: 'files',
    commands: ['go'],
    async build(folder) {
      await runProcess('go', ['build', '-mod=readonly', '-o', 'scenarios', '.'], inFolder(folder))
      return [join(folder, 'scenarios')]
    },
  },
  {
    name: 'java',
    client: 'rocketmq-client-java 5.2.0',
    transport: 'TLS',
    logs: 'files',
    commands: ['java', 'javac', 'mvn'],
    async build(folder) {
      const classPathFile = join(folder, 'class-path')
      const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${classPathFile}`]
      await runProcess('mvn', ['--quiet', '--batch-mode', ...goal], inFolder(folder))
      const classPath = readFileSync(classPathFile, 'utf8')
      await runProcess(
        'javac',
        ['-d', 'classes', '-cp', classPath, 'Scenarios.java', 'Collector.java', 'Session.java'],
        inFolder(folder),
      )
      return ['java', ...JAVA_HEAP, '-cp', `${join(folder, 'classes')}:${classPath}`, 'Scenarios']
    },
  },
  {
    name: 'rust',
    client: 'rocketmq 5.0.0',
    transport: 'plaintext',
    logs: 'stderr',
    commands: ['cargo'],
    async build(folder) {
      await runProcess('cargo', ['build', '--locked', '--quiet'], inFolder(folder))
      return [join(folder, 'target/debug/scenarios')]
    },
  },
]

/** The commands that are not in PATH here. */
export function missingFor({ commands }: Language): readonly string[] {
  return commands.filter((command) => findCommand(command) === undefined)
}

/** Copies sdk/<name> into the folder and builds it there; resolves with the command that runs the program. */
export async function buildIn(folder: string, language: Language): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true })
  cpSync(join(SDK_FOLDER, language.name), folder, { recursive: true })
  return await language.build(folder)
}

/** The same in a folder that is kept, unless that holds what was built from the same files. */
export async function buildOnce(language: Language): Promise<readonly string[]> {
  const folder = join(CACHE, language.name)
  const stamp = join(folder, STAMP)
  const sources = hashOf(join(SDK_FOLDER, language.name))
  if (existsSync(stamp)) {
    const built = JSON.parse(readFileSync(stamp, 'utf8')) as { sources: string; command: readonly string[] }
    if (built.sources === sources && existsSync(built.command[0] ?? '')) return built.command
  }
  const command = await buildIn(folder, language)
  writeFileSync(stamp, JSON.stringify({ sources, command }))
  return command
}

function hashOf(folder: string): string {
  const hash = createHash('sha256').update(folder)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(folder, name)
    if (statSync(path).isFile()) hash.update(name).update(readFileSync(path))
  }
  return hash.digest('hex')
}
