// The first things that a person does with the official clients of other languages: send, receive, get pushed. All with
// the defaults of the clients.
import { join } from 'node:path'
import type { Checks } from '../checks.ts'
import { BUILD_MS_MAX, buildIn, type Language, LANGUAGES, type LanguageName, missingFor } from '../sdk/languages.ts'
import { outputOf, type Program, startProgram } from '../sdk/program.ts'
import { expectThat, runCheck } from '../steps.ts'

/** The quick start is Node's; a first build of Rust takes longer than the rest of the hour. */
export const ROUND_TRIPS: readonly LanguageName[] = ['java', 'go', 'python']
/** What each does, by the name of its scenario. */
const STEPS = {
  'send-sync': 'sends',
  'receive-sync': 'SimpleConsumer receives and acknowledges',
  push: 'PushConsumer receives',
}
/** Closing a push consumer waits for its poll to end: 20 s in Java. */
const CLOSE_MS_MAX = 60_000

/** Of the topics and groups of a language. */
export const prefixOf = (name: LanguageName): string => `round-trip-${name}`

interface Started {
  readonly language: Language
  readonly program: Program
}

/** Builds one after the other, runs all side by side since they mostly wait, and counts every step of each. */
export async function checkRoundTrips(checks: Checks, endpoints: string, scratch: string): Promise<void> {
  const started: Started[] = []
  for (const language of LANGUAGES.filter(({ name }) => ROUND_TRIPS.includes(name))) {
    const { name, client } = language
    const missing = missingFor(language)
    if (missing.length > 0) {
      checks.skip(`${name}: ${client}`, `${missing.join(' and ')} not in PATH`)
      continue
    }
    const build = async () => {
      const command = await buildIn(join(scratch, name), language)
      const home = join(scratch, 'homes', name)
      const scenarios = Object.keys(STEPS)
      const program = startProgram({ command, endpoints: [endpoints], prefix: prefixOf(name), scenarios, home })
      started.push({ language, program })
    }
    await runCheck(checks, `${name}: the program builds with ${client}`, build, BUILD_MS_MAX)
  }
  await Promise.all(started.map((each) => checkSteps(checks, each)))
}

async function checkSteps(checks: Checks, { language, program }: Started): Promise<void> {
  const { name, transport } = language
  for (const [scenario, step] of Object.entries(STEPS)) {
    await runCheck(checks, `${name}: ${step} over its default ${transport}`, async () => {
      const report = await program.reportOf(scenario)
      expectThat(report?.ok === true, `${JSON.stringify(report)}\n${outputOf(program)}`)
    })
  }
  await runCheck(checks, `${name}: the program closes its clients and exits with 0`, async () => {
    await program.end(CLOSE_MS_MAX)
    const { exitCode } = program.process
    expectThat(exitCode === 0, `it ended with ${exitCode}:\n${outputOf(program)}`)
  })
}
