// The section "Containers" of README.md, taken from it word for word: the commands from the clone to a received message,
// and what the README says that they print.
import { blockOf, differenceOf, sectionOf } from '../first-hour/readme.ts'
import { runProcess } from '../processes.ts'
import { expectThat } from '../steps.ts'

const HEADING = 'Containers'
/** What a reader puts his address of the repository in place of. */
const REPOSITORY = '<this repository>'
const COMMANDS_MAX = 4
/** The image is built from nothing, with all dependencies from their registries. */
const SCRIPT_MS_MAX = 280_000

export interface ReadmeRun {
  readonly readme: string
  /** What stands for the repository. */
  readonly repository: string
  /** A new folder. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
}

/** Runs the commands as one types them; throws unless they print in the end what the README says. Resolves with that. */
export async function runReadme({ readme, repository, folder, env }: ReadmeRun): Promise<string> {
  const section = sectionOf(readme, HEADING)
  const script = blockOf(section, 'sh')
  const output = blockOf(section, 'text')
  expectThat(script !== undefined, `"${HEADING}" of README.md has no block of sh`)
  expectThat(output !== undefined, `"${HEADING}" of README.md has no block of text: what its commands print`)
  expectThat(script.includes(REPOSITORY), `the commands of README.md do not clone ${REPOSITORY}`)
  const commands = script.trimEnd().split('\n')
  expectThat(commands.length <= COMMANDS_MAX, `README.md needs ${commands.length} lines, the most is ${COMMANDS_MAX}`)
  const typed = script.replaceAll(REPOSITORY, repository)
  const { stdout } = await runProcess('sh', ['-e', '-c', typed], { cwd: folder, env, deadlineMs: SCRIPT_MS_MAX })
  const said = output.trimEnd().split('\n')
  // The README leaves out what the build says.
  const printed = stdout.trimEnd().split('\n').slice(-said.length).join('\n')
  const difference = differenceOf(printed, said)
  expectThat(difference === undefined, difference ?? '')
  return printed
}
