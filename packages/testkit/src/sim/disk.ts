// The disk of one simulated machine: a tree of folders and files, each with what readers see and what is durable.
// A change of a folder is durable when the folder was synced; before, a power loss may undo it.
import { FileError, type FileErrorCode, type FolderEntry } from '@rocketmq-ts/runtime'
import { FilePages, PAGE_BYTES, type PowerLossChances, SECTOR_BYTES } from './disk-pages.ts'
import type { Counters } from './faults.ts'
import type { Prng } from './prng.ts'

export interface FileNode {
  readonly kind: 'file'
  readonly pages: FilePages
}

export interface FolderNode {
  readonly kind: 'folder'
  entries: Map<string, DiskNode>
  durable: Map<string, DiskNode>
  /** Changes since the last sync, in order. */
  pending: FolderChange[]
}

export type DiskNode = FileNode | FolderNode

/** One atomic change of a folder; a rename takes an entry away and puts one in. */
interface FolderChange {
  readonly sequence: number
  readonly remove?: { readonly folder: FolderNode; readonly name: string; readonly node: DiskNode }
  readonly put?: { readonly folder: FolderNode; readonly name: string; readonly node: DiskNode }
}

export type DiskOperation = 'read' | 'write' | 'sync' | 'change'

/** What a process asked of the disk, by name. */
export type DiskCall =
  | 'open'
  | 'size'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'make-folder'
  | 'sync-folder'
  | 'list'
  | 'space'
  | 'lock'

/** Bytes that a call is about: the same object when a watcher is told again that the call has ended. */
export interface DiskRange {
  readonly position: number
  readonly length: number
  /** Of a write: all bytes are zero. */
  readonly isZero: boolean
  /** Of a write: what is written. */
  readonly chunks?: readonly Uint8Array[]
}

/**
 * Sees every call of every process. It may end the process from within: a call that is told of before has no effect then,
 * one that is told of after has had it, and nobody is told.
 */
export interface DiskWatcher {
  before(call: DiskCall, path: string, range?: DiskRange): void
  after(call: DiskCall, path: string, range?: DiskRange): void
}

/** A fault that a test asks for. */
export interface DiskFault {
  readonly on: DiskOperation
  /** The calls it hits; all of the operation without it. */
  readonly call?: DiskCall
  /** Files it hits: those whose path contains the text or matches; all without it. */
  readonly path?: string | RegExp
  /** Operations it hits before it is over; Infinity to stay. Default 1. */
  readonly times?: number
  /** Fails the operation with this code … */
  readonly error?: FileErrorCode
  /** … or delays it by so many milliseconds (reads and writes that block can not be delayed). */
  readonly delayMs?: number
}

/** How a rule answers: remove it early, and see whether it hit. */
export interface ActiveFault {
  readonly hits: number
  clear(): void
}

interface FaultRule {
  readonly fault: DiskFault
  left: number
  hits: number
}

function newFolder(): FolderNode {
  return { kind: 'folder', entries: new Map(), durable: new Map(), pending: [] }
}

function matches(rule: FaultRule, on: DiskOperation, call: DiskCall, path: string): boolean {
  const { fault } = rule
  if (rule.left <= 0 || fault.on !== on || (fault.call ?? call) !== call) return false
  if (fault.path === undefined) return true
  return typeof fault.path === 'string' ? path.includes(fault.path) : fault.path.test(path)
}

function apply(change: FolderChange): void {
  const { remove, put } = change
  if (remove !== undefined && remove.folder.durable.get(remove.name) === remove.node) {
    remove.folder.durable.delete(remove.name)
  }
  put?.folder.durable.set(put.name, put.node)
}

export class Disk {
  /** Bytes the disk takes; writes beyond fail with 'no-space'. */
  capacityBytes = Infinity
  /** What the disk writes in one piece: of a larger write that was not synced, some pieces stay and others go. */
  atomicBytes: typeof SECTOR_BYTES | typeof PAGE_BYTES = SECTOR_BYTES
  /** Sees every call, for a test that acts on them. */
  watcher: DiskWatcher | undefined
  readonly #counters: Counters
  readonly #random: Prng
  readonly #root = newFolder()
  readonly #rules: FaultRule[] = []
  #usedBytes = 0
  #sequence = 0

  constructor(random: Prng, counters: Counters) {
    this.#random = random
    this.#counters = counters
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Asks for a fault. */
  fail(fault: DiskFault): ActiveFault {
    const rule: FaultRule = { fault, left: fault.times ?? 1, hits: 0 }
    this.#rules.push(rule)
    return {
      get hits() {
        return rule.hits
      },
      clear() {
        rule.left = 0
      },
    }
  }

  /** The fault that hits this operation, if any; counts it as a hit. */
  takeFault(on: DiskOperation, call: DiskCall, path: string): DiskFault | undefined {
    const rule = this.#rules.find((candidate) => matches(candidate, on, call, path))
    if (rule === undefined) return undefined
    rule.left -= 1
    rule.hits += 1
    if (rule.left <= 0) this.#rules.splice(this.#rules.indexOf(rule), 1)
    return rule.fault
  }

  /** Flips a bit of a file at rest: the given one, or a random one. */
  flipBit(path: string, position?: number, bit?: number): void {
    const file = this.file(path)
    const at = position ?? this.#random.integer(Math.max(1, file.pages.size))
    file.pages.flipBit(at, bit ?? this.#random.integer(8))
    this.#counters.bitFlips += 1
  }

  /** Overwrites bytes of a file at rest, in the cache and on the disk. Not beyond its end. */
  overwrite(path: string, position: number, bytes: Uint8Array): void {
    const { pages } = this.file(path)
    pages.write(position, bytes.subarray(0, Math.max(0, pages.size - position)))
    pages.finishSync(pages.beginSync())
  }

  /** Cuts a file at rest. */
  cut(path: string, bytes: number): void {
    const { pages } = this.file(path)
    pages.truncate(bytes)
    pages.finishSync(pages.beginSync())
  }

  /** Two files at rest change their names. */
  swap(path: string, other: string): void {
    const [one, two] = [this.file(path), this.file(other)]
    for (const [place, node] of [
      [path, two],
      [other, one],
    ] as const) {
      const folder = this.folder(parentOf(place))
      const name = nameOf(place)
      folder.entries.set(name, node)
      folder.durable.set(name, node)
      // A later sync must not bring the name of before back: two names would have one file.
      folder.pending = folder.pending.map(({ put, ...change }) =>
        put === undefined || put.name === name ? change : { ...change, put },
      )
    }
  }

  find(path: string): DiskNode | undefined {
    let node: DiskNode = this.#root
    for (const name of names(path)) {
      if (node.kind !== 'folder') return undefined
      const next = node.entries.get(name)
      if (next === undefined) return undefined
      node = next
    }
    return node
  }

  file(path: string): FileNode {
    const node = this.find(path)
    if (node === undefined) throw new FileError('not-found', path, 'no such file')
    if (node.kind === 'folder') throw new FileError('other', path, 'is a folder')
    return node
  }

  folder(path: string): FolderNode {
    const node = this.find(path)
    if (node === undefined) throw new FileError('not-found', path, 'no such folder')
    if (node.kind === 'file') throw new FileError('other', path, 'is not a folder')
    return node
  }

  /** Creates missing folders and returns all on the way, outermost first. */
  makeFolder(path: string): FolderNode[] {
    let folder = this.#root
    const way = [folder]
    for (const name of names(path)) {
      let next = folder.entries.get(name)
      if (next === undefined) {
        next = newFolder()
        this.#put(folder, name, next)
      }
      if (next.kind === 'file') throw new FileError('exists', path, `'${name}' is a file`)
      folder = next
      way.push(folder)
    }
    return way
  }

  list(path: string): FolderEntry[] {
    const node = this.find(path)
    if (node === undefined) return []
    const found = [...this.folder(path).entries].map(([name, entry]) => ({ name, kind: entry.kind }))
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  openFile(path: string, create: boolean): FileNode {
    if (this.find(path) !== undefined || !create) return this.file(path)
    const file: FileNode = { kind: 'file', pages: new FilePages() }
    this.#put(this.folder(parentOf(path)), nameOf(path), file)
    return file
  }

  rename(from: string, to: string): void {
    const source = this.folder(parentOf(from))
    const target = this.folder(parentOf(to))
    const node = source.entries.get(nameOf(from))
    if (node === undefined) throw new FileError('not-found', from, 'can not rename')
    const replaced = target.entries.get(nameOf(to))
    if (replaced === node) return
    if (replaced !== undefined && (replaced.kind !== node.kind || replaced.kind === 'folder')) {
      throw new FileError('other', to, 'can not replace by a rename')
    }
    this.#free(replaced)
    source.entries.delete(nameOf(from))
    target.entries.set(nameOf(to), node)
    this.#log({
      sequence: this.#next(),
      remove: { folder: source, name: nameOf(from), node },
      put: { folder: target, name: nameOf(to), node },
    })
  }

  remove(path: string): void {
    const node = this.find(path)
    if (node === undefined) return
    if (node.kind === 'folder') for (const name of node.entries.keys()) this.remove(`${path}/${name}`)
    const folder = this.folder(parentOf(path))
    folder.entries.delete(nameOf(path))
    this.#free(node)
    this.#log({ sequence: this.#next(), remove: { folder, name: nameOf(path), node } })
  }

  syncFolder(folder: FolderNode): void {
    for (const change of folder.pending.splice(0)) apply(change)
  }

  /** False when the disk has no room for it. */
  write(file: FileNode, position: number, bytes: Uint8Array): boolean {
    const before = file.pages.allocatedBytes
    const fits = this.#usedBytes + file.pages.missingBytes(position, bytes.length) <= this.capacityBytes
    if (fits) file.pages.write(position, bytes)
    this.#usedBytes += file.pages.allocatedBytes - before
    return fits
  }

  /** Leaves what the disk would hold when the power returns; each call draws how bad it is. */
  losePower(): void {
    const random = this.#random
    const chances: PowerLossChances = {
      keep: random.pick([0, 0.2, 0.5, 0.8, 1]),
      tear: random.pick([0, 0, 0.05, 0.3]),
      unitBytes: this.atomicBytes,
    }
    this.#losePendingChanges(chances.keep)
    this.#usedBytes = 0
    this.#returnTo(this.#root, chances)
  }

  /** Of changes that were not synced either a prefix survives, as in a journal, or any of them. */
  #losePendingChanges(keep: number): void {
    const changes = [...this.#allPending(this.#root, new Set(), [])].sort((a, b) => a.sequence - b.sequence)
    const inOrder = this.#random.chance(0.5)
    const prefix = this.#random.integer(changes.length + 1)
    for (const [index, change] of changes.entries()) {
      const survives = inOrder ? index < prefix : this.#random.chance(keep)
      if (survives) apply(change)
      else this.#counters.lostFolderChanges += 1
    }
  }

  #allPending(folder: FolderNode, seen: Set<FolderNode>, found: FolderChange[]): FolderChange[] {
    if (seen.has(folder)) return found
    seen.add(folder)
    found.push(...folder.pending.splice(0))
    for (const map of [folder.entries, folder.durable]) {
      for (const node of map.values()) if (node.kind === 'folder') this.#allPending(node, seen, found)
    }
    return found
  }

  #returnTo(folder: FolderNode, chances: PowerLossChances): void {
    folder.entries = new Map(folder.durable)
    for (const node of folder.entries.values()) {
      if (node.kind === 'folder') {
        this.#returnTo(node, chances)
        continue
      }
      node.pages.losePower(this.#random, chances, this.#counters)
      this.#usedBytes += node.pages.allocatedBytes
    }
  }

  #put(folder: FolderNode, name: string, node: DiskNode): void {
    folder.entries.set(name, node)
    this.#log({ sequence: this.#next(), put: { folder, name, node } })
  }

  #log(change: FolderChange): void {
    const owner = change.put?.folder ?? change.remove?.folder
    owner?.pending.push(change)
  }

  #next(): number {
    this.#sequence += 1
    return this.#sequence
  }

  #free(node: DiskNode | undefined): void {
    if (node?.kind === 'file') this.#usedBytes -= node.pages.allocatedBytes
  }
}

/** Paths that were asked for, taken apart: the same few come again and again. */
const knownNames = new Map<string, readonly string[]>()
const KNOWN_NAMES_MAX = 10_000

function names(path: string): readonly string[] {
  let found = knownNames.get(path)
  if (found !== undefined) return found
  if (!path.startsWith('/')) throw new FileError('other', path, 'not an absolute path')
  found = path.split('/').filter((name) => name !== '')
  if (knownNames.size === KNOWN_NAMES_MAX) knownNames.clear()
  knownNames.set(path, found)
  return found
}

function nameOf(path: string): string {
  return names(path).at(-1) ?? ''
}

function parentOf(path: string): string {
  return `/${names(path).slice(0, -1).join('/')}`
}
