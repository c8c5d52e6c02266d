// A PATH with nothing but chosen commands, as on a machine where somebody has installed Node and little else.
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { findCommand } from '../find-command.ts'

/** What npm comes with, and the shell that it runs scripts with. */
export const NODE_COMMANDS = ['node', 'npm', 'npx', 'sh'] as const

/** Makes a folder of links to these commands; returns it. */
export function createToolbox(folder: string, commands: readonly string[]): string {
  mkdirSync(folder, { recursive: true })
  for (const command of commands) {
    const path = findCommand(command)
    if (path === undefined) throw new Error(`${command} is not in PATH`)
    symlinkSync(path, join(folder, command))
  }
  return folder
}

/** The environment of a new terminal with this PATH: without what npm and Node tell their children. */
export function terminalEnv(path: string, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:npm_|pnpm_)/i.test(name) && !['NODE', 'NODE_OPTIONS', 'INIT_CWD', 'UV_THREADPOOL_SIZE'].includes(name),
  )
  return { ...Object.fromEntries(inherited), PATH: path, ...extra }
}
