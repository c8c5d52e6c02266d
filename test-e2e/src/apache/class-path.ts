// Apache's servers of Maven Central: what they need on this machine, and the class path that its pom stands for.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCommand } from '../find-command.ts'
import { runProcess } from '../processes.ts'

const POM = fileURLToPath(new URL('../../apache/pom.xml', import.meta.url))
/** The class path; the files themselves are where Maven keeps what it fetches. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/rocketmq-ts/apache', import.meta.url))
const COMMANDS = ['java', 'mvn']
const FETCH_MS_MAX = 600_000

/** The version that the pom names. */
export function apacheVersion(): string {
  return /<version>(5[^<]*)<\/version>/.exec(readFileSync(POM, 'utf8'))?.[1] ?? 'unknown'
}

/** The commands that are not in PATH here. */
export function missingForApache(): readonly string[] {
  return COMMANDS.filter((command) => findCommand(command) === undefined)
}

/** Fetches what the pom names, unless that was done before, with the proxy where it is wanted; resolves with the class path. */
export async function fetchApache(also: 'no proxy' | 'proxy' = 'no proxy'): Promise<string> {
  const stamp = createHash('sha256').update(readFileSync(POM)).update(also).digest('hex').slice(0, 16)
  const file = join(CACHE, `class-path-${stamp}`)
  if (existsSync(file)) {
    const classPath = readFileSync(file, 'utf8')
    if (classPath.split(':').every((path) => existsSync(path))) return classPath
  }
  mkdirSync(CACHE, { recursive: true })
  const profile = also === 'proxy' ? ['-Pproxy'] : []
  const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${file}`]
  await runProcess('mvn', ['--quiet', '--batch-mode', '-f', POM, ...profile, ...goal], { deadlineMs: FETCH_MS_MAX })
  return readFileSync(file, 'utf8')
}
