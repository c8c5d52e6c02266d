// A folder in memory: every file of a stopped store, and read-only files over it in which a fault can be planted without
// copying the rest.
import { type File, FileError, type Files, type FolderEntry } from '@rocketmq-ts/runtime'

/** Largest file of an image. */
const FILE_BYTES_MAX = 64 * 1024 * 1024

/** Content by path below the root, in order of paths. */
export type FolderImage = ReadonlyMap<string, Buffer>

/** Reads everything below `root`. */
export async function takeImage(files: Files, root: string): Promise<FolderImage> {
  const image = new Map<string, Buffer>()
  async function walk(folder: string): Promise<void> {
    for (const { name, kind } of await files.list(`${root}${folder}`)) {
      const path = `${folder}/${name}`
      if (kind === 'folder') await walk(path)
      else image.set(path.slice(1), Buffer.from((await files.readWhole(`${root}${path}`, FILE_BYTES_MAX)) ?? []))
    }
  }
  await walk('')
  return image
}

/** Entries of every folder of an image, by its path below the root. */
function foldersOf(image: FolderImage): Map<string, Map<string, FolderEntry>> {
  const folders = new Map<string, Map<string, FolderEntry>>([['', new Map()]])
  for (const path of image.keys()) {
    const parts = path.split('/')
    for (const [index, name] of parts.entries()) {
      const folder = parts.slice(0, index).join('/')
      const entries = folders.get(folder) ?? new Map<string, FolderEntry>()
      folders.set(folder, entries)
      entries.set(name, { name, kind: index === parts.length - 1 ? 'file' : 'folder' })
    }
  }
  return folders
}

/** Files that read an image below `root`; files in `changed` have another content. Every change is refused. */
export function createImageFiles(image: FolderImage, root: string) {
  const folders = foldersOf(image)
  let changed: ReadonlyMap<string, Buffer> = new Map()

  function contentOf(path: string): Buffer {
    const name = path.slice(root.length + 1)
    const content = changed.get(name) ?? image.get(name)
    if (content === undefined) throw new FileError('not-found', path, 'no such file')
    return content
  }

  function refuse(path: string): never {
    throw new FileError('permission', path, 'an image is not changed')
  }

  function read(content: Buffer, position: number, into: Uint8Array): number {
    if (position >= content.length) return 0
    return content.copy(into, 0, position, Math.min(content.length, position + into.length))
  }

  const files: Files = {
    makeFolder: async (path) => refuse(path),
    async list(path) {
      const entries = folders.get(path === root ? '' : path.slice(root.length + 1))
      return entries === undefined ? [] : [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async open(path, mode) {
      if (mode !== 'read') return refuse(path)
      const content = contentOf(path)
      const file: File = {
        path,
        size: async () => content.length,
        writeSync: () => refuse(path),
        readSync: (position, into) => read(content, position, into),
        read: async (position, into) => read(content, position, into),
        truncate: async () => refuse(path),
        sync: async () => refuse(path),
        close: async () => undefined,
      }
      return file
    },
    async readWhole(path, bytesMax) {
      const name = path.slice(root.length + 1)
      if (!image.has(name)) return undefined
      const content = contentOf(path)
      if (content.length > bytesMax) throw new FileError('other', path, `longer than the ${bytesMax} bytes allowed`)
      return content
    },
    rename: async (from) => refuse(from),
    remove: async (path) => refuse(path),
    syncFolder: async (path) => refuse(path),
    space: async (path) => refuse(path),
    lockFolder: async (path) => refuse(path),
  }
  return {
    files,
    /** From now on these files have another content. */
    change(contents: ReadonlyMap<string, Buffer>): void {
      changed = contents
    },
  }
}
