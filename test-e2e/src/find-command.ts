// Commands that a person has on this machine.
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a command; commands of installed packages do not count, they are not what a person has. */
export function findCommand(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  return found === undefined ? undefined : realpathSync(found)
}
