// One run of the command: reads the arguments, does what they say, and returns the exit code. Nothing is thrown but
// programmer errors.
import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import { CliFailure, ExitCode, failureOf, isMqError } from './failures.ts'
import type { Host } from './host.ts'
import { jsonText, printable } from './output/text.ts'
import { createProgram } from './program.ts'

/** @param argv arguments without the names of program and script */
export async function runRmq(argv: readonly string[], host: Host): Promise<number> {
  const outcome: { exitCode: number } = { exitCode: ExitCode.OK }
  const program = createProgram(host, (exitCode) => {
    outcome.exitCode = exitCode
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE
    const failure = isMqError(error) ? failureOf(error) : error
    if (!(failure instanceof CliFailure)) throw error
    host.err.write(program.opts()['json'] === true ? jsonFailure(failure) : textFailure(failure, host))
    return failure.exitCode
  }
}

function textFailure({ message, remedy }: CliFailure, { err }: Host): string {
  const name = err.isColoured ? styleText('red', 'rmq:', { validateStream: false }) : 'rmq:'
  return `${name} ${printable(message)}\n${remedy === undefined ? '' : `${remedy}\n`}`
}

function jsonFailure({ code, message, remedy }: CliFailure): string {
  return `${jsonText({ error: { code, message, remedy } })}\n`
}
