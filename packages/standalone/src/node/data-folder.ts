// The folder of a run: the given one, or a new one that disappears with the process.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface DataFolder {
  /** Absolute. */
  readonly path: string
  /** Removes an ephemeral folder; otherwise, and the second time, nothing. */
  remove(): void
}

export interface DataFolderOptions {
  readonly dataDir: string
  readonly ephemeral: boolean
  /** The folder was named by the user, so an ephemeral one is made inside of it. */
  readonly isChosen: boolean
}

/** Makes the folder. Throws the error of the file system when it can not. */
export function openDataFolder({ dataDir, ephemeral, isChosen }: DataFolderOptions): DataFolder {
  const given = resolve(dataDir)
  if (!ephemeral) {
    mkdirSync(given, { recursive: true })
    return { path: given, remove() {} }
  }
  const parent = isChosen ? given : tmpdir()
  mkdirSync(parent, { recursive: true })
  const path = mkdtempSync(join(parent, 'rocketmq-ts-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
