// Takes files out of the page cache, so that what is read next comes from the disk: `dd` asks the system to forget one
// file (posix_fadvise), which Node can not; nothing else on the machine is slowed down. And has memory at hand for files
// that are written next.
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** As large as what a probe writes in one go: the system keeps pages in blocks, and takes a larger one if it can. */
const BLOCK_BYTES = 1024 * 1024

/**
 * Writes a file of so many bytes and removes it: the system takes the pages that it used last for what is written next. On
 * a virtual machine a page that it was never given before costs whoever writes it a fault of the host, ten times its copy;
 * how many are left of those says nothing of us.
 */
export function touchPageCache(folder: string, bytes: number): void {
  const touched = writeTouched(folder, bytes)
  touched.remove()
}

/**
 * The same for one short run: the system of a virtual machine gives free pages back to the host two seconds after some
 * became free, also those just touched. So it gets these `restMs` for what was removed before, and has the next two
 * seconds in front of it.
 */
export async function keepPageCache(folder: string, bytes: number, restMs: number): Promise<void> {
  const touched = writeTouched(folder, bytes)
  try {
    await sleep(restMs)
  } finally {
    touched.remove()
  }
}

function writeTouched(folder: string, bytes: number) {
  const path = join(folder, 'touched')
  const file = openSync(path, 'w')
  try {
    const block = Buffer.alloc(BLOCK_BYTES)
    for (let at = 0; at < bytes; at += BLOCK_BYTES) writeSync(file, block)
  } catch (error) {
    unlinkSync(path)
    throw error
  } finally {
    closeSync(file)
  }
  return { remove: () => unlinkSync(path) }
}

/** Asks for every file below the folder. Returns the share of their bytes that is in the page cache all the same. */
export function dropFromPageCache(folder: string): number {
  const paths = filesBelow(folder)
  for (const path of paths) {
    try {
      execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' })
    } catch {
      return 1
    }
  }
  return cachedShareOf(paths)
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** By `fincore`; where it is missing nobody knows, and it counts as all of it. */
function cachedShareOf(paths: readonly string[]): number {
  try {
    const table = execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', ...paths], {
      encoding: 'utf8',
    })
    const cached = table.split('\n').reduce((sum, line) => sum + Number(line), 0)
    const written = paths.reduce((sum, path) => sum + statSync(path).blocks * 512, 0)
    return written === 0 ? 0 : Math.min(1, cached / written)
  } catch {
    return 1
  }
}
