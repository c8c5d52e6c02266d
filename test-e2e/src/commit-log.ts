// A broker's commit log as its folder shows it: files of equal size, filled one after the other.
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** How many of its files begin with a record; the next one is made before it is needed and holds zeros. */
export function writtenSegments(brokerFolder: string): number {
  const folder = join(brokerFolder, 'commitlog')
  if (!existsSync(folder)) return 0
  return readdirSync(folder).filter((name) => /^\d{20}$/.test(name) && beginsWritten(join(folder, name))).length
}

function beginsWritten(path: string): boolean {
  const first = Buffer.alloc(4)
  const file = openSync(path, 'r')
  readSync(file, first, 0, first.length, 0)
  closeSync(file)
  return first.readUInt32BE(0) !== 0
}
