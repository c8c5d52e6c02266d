// What every part of the command line is put together with.
import type { Command } from 'commander'
import type { Context } from './context.ts'

/** What a command does; resolves with the exit code. */
export type Action<Options, Args extends readonly unknown[]> = (
  context: Context,
  options: Options,
  ...args: Args
) => Promise<number>

/**
 * What commander calls. Ctrl-C ends a command at once, unless it watches `host.interrupted` itself and finishes what is
 * under way.
 */
export type Act = <Options, Args extends readonly unknown[]>(
  load: () => Promise<Action<Options, Args>>,
  onInterrupt?: 'ends at once' | 'finishes',
) => (...given: unknown[]) => Promise<void>

/** The last part of a help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}

/** A command that only holds others. */
export function group(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).helpCommand(false)
}
