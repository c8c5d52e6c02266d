// Asks Apache's evaluator of SQL92 filters, of the version that test-e2e/apache/pom.xml names. Needs java and mvn.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const POM = fileURLToPath(new URL('../../../../test-e2e/apache/pom.xml', import.meta.url))
const PROGRAM = fileURLToPath(new URL('../apache/EvaluateFilters.java', import.meta.url))
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** What an expression does with a message. 'fails' where a property is no number; 'crashes' where Apache has a fault. */
export const OUTCOMES = { T: 'true', F: 'false', U: 'unknown', X: 'fails', C: 'crashes', R: 'refused' } as const
export type Outcome = (typeof OUTCOMES)[keyof typeof OUTCOMES]

export interface Question {
  readonly expression: string
  readonly properties: Readonly<Record<string, string>>
}

export function apacheVersion(): string {
  return /<version>(5[^<]*)<\/version>/.exec(readFileSync(POM, 'utf8'))?.[1] ?? 'unknown'
}

/** What asks Apache: all questions of one call go to one process. */
export function createApacheEvaluator(): (questions: readonly Question[]) => Outcome[] {
  const classPath = fetchClassPath()
  return (questions) => {
    const input = questions.map(lineOf).join('\n')
    const output = execFileSync('java', ['-cp', classPath, PROGRAM], {
      input: `${input}\n`,
      encoding: 'utf8',
      maxBuffer: OUTPUT_BYTES_MAX,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const letters = output.trim().split('\n')
    if (letters.length !== questions.length) {
      throw new Error(`${questions.length} questions, but ${letters.length} answers`)
    }
    return letters.map((letter) => OUTCOMES[letter as keyof typeof OUTCOMES])
  }
}

function lineOf({ expression, properties }: Question): string {
  return [expression, ...Object.entries(properties).flat()]
    .map((text) => Buffer.from(text).toString('base64'))
    .join(' ')
}

function fetchClassPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rocketmq-ts-filters-'))
  try {
    const file = join(folder, 'class-path')
    const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${file}`]
    execFileSync('mvn', ['--quiet', '--batch-mode', '-f', POM, ...goal], { stdio: 'inherit' })
    return readFileSync(file, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
