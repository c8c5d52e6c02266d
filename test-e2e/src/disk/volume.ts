// A small disk of its own: an ext4 file system in a file, mounted where a broker keeps its data. The file is in memory:
// this disk is never slower than its fault says, whatever the machine's own disk has to do. It ends with the suite.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync, truncateSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { atExit } from '../exits.ts'

const MIB = 1024 * 1024
const TOOL_MS_MAX = 30_000
const PIECE_BYTES_MIN = 512
/** Of the file system in memory, beside the image in it. */
const MEMORY_SLACK_BYTES = MIB

export interface Volume {
  /** Where it is mounted. */
  readonly folder: string
  readonly freeBytes: number
  /** Somebody else takes so many bytes, or what is left, to the last byte. */
  take(bytes?: number): void
  /** Gives back what was taken. */
  free(): void
  /** Somebody else takes every inode that is left. */
  fillInodes(): void
  freeInodes(): void
  /** The kernel finds the file system faulty and mounts it read-only, as it does with a disk that breaks. */
  failReadOnly(): void
  /** A check of the file system, and mounted again: nobody uses it meanwhile. */
  repair(): void
  unmount(): void
}

export type VolumeResult = Volume | string

const mounted = new Set<string>()
atExit(() => {
  for (const folder of [...mounted].toReversed()) spawnSync('umount', ['--lazy', folder])
})

/** Runs a tool of the system; throws with what it said. `codes` are those that mean success. */
function run(command: string, args: readonly string[], codes: readonly number[] = [0]): void {
  const done = spawnSync(command, args, { timeout: TOOL_MS_MAX, encoding: 'utf8' })
  if (done.error !== undefined) throw done.error
  if (!codes.includes(done.status ?? -1)) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`)
}

/** Mounts a new one at the folder. A text says why that can not be done here. */
export function mountVolume(options: {
  readonly folder: string
  /** A folder for the image alone: a file system in memory is mounted there. */
  readonly imageFolder: string
  readonly bytes: number
  /** As many files and folders fit; by default as many as anybody needs. */
  readonly inodes?: number | undefined
}): VolumeResult {
  const { folder, imageFolder, bytes, inodes } = options
  const image = join(imageFolder, 'disk.img')
  const filler = join(folder, 'somebody-else')
  const inodeFolder = join(folder, 'somebody-elses-files')

  function mount(args: readonly string[], at: string): void {
    run('mount', [...args, at])
    mounted.add(at)
  }

  function unmount(at: string): void {
    if (mounted.delete(at)) run('umount', [at])
  }

  const mountImage = () => mount(['-o', 'loop,errors=remount-ro', image], folder)

  try {
    if (process.platform !== 'linux')
      return `file systems in files are mounted on Linux only, this is ${process.platform}`
    if (process.getuid?.() !== 0) return 'only root may mount'
    mkdirSync(folder, { recursive: true })
    mkdirSync(imageFolder, { recursive: true })
    mount(['-t', 'tmpfs', '-o', `size=${bytes + MEMORY_SLACK_BYTES}`, 'tmpfs'], imageFolder)
    closeSync(openSync(image, 'w'))
    truncateSync(image, bytes)
    // Without blocks that root alone may use, and with everything laid out at once.
    const counts = inodes === undefined ? [] : ['-N', String(inodes)]
    run('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', ...counts, image])
    mountImage()
  } catch (error) {
    unmount(imageFolder)
    return `no file system can be mounted here: ${error instanceof Error ? error.message.trim() : String(error)}`
  }

  return {
    folder,
    get freeBytes() {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    },
    take(bytes = Infinity) {
      const file = openSync(filler, 'a')
      try {
        for (let piece = MIB, left = bytes; piece >= PIECE_BYTES_MIN && left > 0;) {
          if (tryWrite(file, piece)) left -= piece
          else piece /= 2
        }
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(filler, { force: true }),
    fillInodes() {
      mkdirSync(inodeFolder, { recursive: true })
      for (let count = 0; ; count += 1) if (!tryCreate(join(inodeFolder, String(count)))) return
    },
    freeInodes: () => rmSync(inodeFolder, { recursive: true, force: true }),
    failReadOnly() {
      const device = readFileSync('/proc/mounts', 'utf8')
        .split('\n')
        .map((line) => line.split(' '))
        .find(([, at]) => at === folder)?.[0]
      const trigger = openSync(`/sys/fs/ext4/${basename(device ?? '')}/trigger_fs_error`, 'w')
      try {
        writeSync(trigger, '1')
      } finally {
        closeSync(trigger)
      }
    },
    repair() {
      unmount(folder)
      // 1: faults were found and mended.
      run('e2fsck', ['-f', '-y', image], [0, 1])
      mountImage()
    },
    unmount() {
      unmount(folder)
      unmount(imageFolder)
    },
  }
}

/** False when no space is left for it. */
function tryWrite(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes, 1)) > 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}

function tryCreate(path: string): boolean {
  try {
    closeSync(openSync(path, 'w'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}
