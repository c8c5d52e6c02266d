// `Files` of one simulated process over the disk of its machine. When the process is dead nothing it still calls has an
// effect, and its promises never settle: from outside it ended where it was killed.
import { crc32 } from 'node:zlib'
import { type File, FileError, type FileErrorCode, type Files, type FolderLock } from '@rocketmq-ts/runtime'
import type { Disk, DiskCall, DiskOperation, DiskRange, FileNode, FolderNode } from './disk.ts'
import type { Snapshot } from './disk-pages.ts'
import type { Engine } from './engine.ts'
import { EventKind, type Owner } from './event-queue.ts'
import type { Range } from './faults.ts'
import type { Prng } from './prng.ts'

const ZEROS = new Uint8Array(4096)

/** What a process needs of its machine. */
export interface FilesHost {
  readonly engine: Engine
  readonly random: Prng
  readonly disk: Disk
  readonly process: Owner
  /** Operations of the process that are under way; when it is killed each is still done, or never. */
  readonly pending: Set<() => void>
  /** Holders of folders by path, shared by all processes of the machine. */
  readonly locks: Map<string, { readonly owner: Owner; readonly holder: string }>
}

/** Size that a disk without a limit tells of. */
const DISK_BYTES_SHOWN = 2 ** 40

const CHANCE_OF = { read: 'readError', write: 'writeError', sync: 'syncError', change: undefined } as const
const COUNTER_OF = { read: 'readErrors', write: 'writeErrors', sync: 'syncErrors', change: 'writeErrors' } as const

/** An operation that takes time. */
interface Operation<Result> {
  readonly on: DiskOperation
  readonly call: DiskCall
  readonly path: string
  /** What the watcher is told of it. */
  readonly range?: DiskRange | undefined
  readonly latency: Range
  readonly detail?: number
  /** Once, when it is asked for; `failing` when a fault will end it. */
  begin?(failing: boolean): void
  /** Does it, when the time is over. */
  run(): Result
  /** In place of `run` when a fault hits. */
  failed?(): void
}

/** Runs operations with their time and their faults. */
class DiskCalls {
  readonly host: FilesHost

  constructor(host: FilesHost) {
    this.host = host
  }

  /** The error that hits this operation now. */
  fault(on: DiskOperation, call: DiskCall, path: string): { readonly error?: FileError; readonly delayMs: number } {
    const { disk, engine, random } = this.host
    const asked = disk.takeFault(on, call, path)
    const chance = CHANCE_OF[on]
    const code: FileErrorCode | undefined =
      asked?.error ?? (chance !== undefined && random.chance(engine.faults[chance]) ? 'io' : undefined)
    let delayMs = asked?.delayMs ?? 0
    if (on === 'sync' && delayMs === 0 && random.chance(engine.faults.slowSync)) {
      delayMs = random.within(engine.latencies.slowSync)
    }
    if (on === 'sync' && delayMs > 0) engine.counters.slowSyncs += 1
    if (code === undefined) return { delayMs }
    engine.counters[COUNTER_OF[on]] += 1
    return { error: new FileError(code, path, `can not ${on} (injected)`), delayMs }
  }

  start<Result>(operation: Operation<Result>): Promise<Result> {
    const { disk, engine, pending, process, random } = this.host
    const { on, call, path, range } = operation
    return new Promise((resolve, reject) => {
      if (process.alive) disk.watcher?.before(call, path, range)
      if (!process.alive) return
      const { error, delayMs } = this.fault(on, call, path)
      operation.begin?.(error !== undefined)
      const perform = (): Result => {
        if (error === undefined) return operation.run()
        operation.failed?.()
        throw error
      }
      pending.add(perform)
      engine.schedule({
        owner: process,
        kind: EventKind.disk,
        delayMs: delayMs + random.within(operation.latency),
        detail: operation.detail ?? 0,
        run: () => {
          pending.delete(perform)
          try {
            const result = perform()
            disk.watcher?.after(call, path, range)
            if (process.alive) resolve(result)
          } catch (failure) {
            reject(failure as Error)
          }
        },
      })
    })
  }

  /** A change of folders: takes effect when asked for or when it ends, which only a crash between them can tell. */
  change<Result>(call: DiskCall, path: string, run: () => Result, range?: DiskRange): Promise<Result> {
    const { engine, random } = this.host
    const latency = engine.latencies.disk
    const early = latency[1] > 0 && random.chance(0.5)
    if (!early) return this.start({ on: 'change', call, path, range, latency, run })
    let outcome: { readonly result: Result } | { readonly error: unknown } | undefined
    return this.start({
      on: 'change',
      call,
      path,
      range,
      latency,
      begin(failing) {
        if (failing) return
        try {
          outcome = { result: run() }
        } catch (error) {
          outcome = { error }
        }
      },
      run() {
        if (outcome !== undefined && 'result' in outcome) return outcome.result
        throw outcome?.error
      },
    })
  }
}

class SimFile implements File {
  readonly path: string
  readonly #calls: DiskCalls
  readonly #node: FileNode
  readonly #isReadOnly: boolean
  #closed = false

  constructor(path: string, node: FileNode, calls: DiskCalls, isReadOnly: boolean) {
    this.path = path
    this.#node = node
    this.#calls = calls
    this.#isReadOnly = isReadOnly
  }

  async size(): Promise<number> {
    this.#checkOpen()
    const latency = this.#calls.host.engine.latencies.disk
    return this.#calls.start({ on: 'change', call: 'size', path: this.path, latency, run: () => this.#node.pages.size })
  }

  writeSync(position: number, chunks: readonly Uint8Array[]): void {
    this.#checkWritable()
    const { disk, engine, process, random } = this.#calls.host
    if (!process.alive) return
    const range = disk.watcher === undefined ? undefined : rangeOf(position, chunks)
    disk.watcher?.before('write', this.path, range)
    if (!process.alive) return
    const { error } = this.#calls.fault('write', 'write', this.path)
    if (error !== undefined) {
      // A write fails anywhere: what came before that place is there.
      const all = Buffer.concat(chunks)
      this.#write(position, all.subarray(0, random.integer(all.length + 1)))
      throw error
    }
    let at = position
    for (const chunk of chunks) {
      this.#write(at, chunk)
      at += chunk.length
      engine.mix(crc32(chunk))
    }
    engine.mix(at)
    disk.watcher?.after('write', this.path, range)
  }

  #write(position: number, chunk: Uint8Array): void {
    const { disk, engine } = this.#calls.host
    if (disk.write(this.#node, position, chunk)) return
    engine.counters.diskFull += 1
    throw new FileError('no-space', this.path, 'can not write (the disk is full)')
  }

  readSync(position: number, into: Uint8Array): number {
    this.#checkOpen()
    const { error } = this.#calls.fault('read', 'read', this.path)
    if (error !== undefined) throw error
    return this.#node.pages.read(position, into)
  }

  async read(position: number, into: Uint8Array): Promise<number> {
    this.#checkOpen()
    return this.#calls.start({
      on: 'read',
      call: 'read',
      path: this.path,
      latency: this.#calls.host.engine.latencies.disk,
      detail: into.length,
      run: () => this.#node.pages.read(position, into),
    })
  }

  async truncate(bytes: number): Promise<void> {
    this.#checkWritable()
    const range = { position: bytes, length: 0, isZero: true }
    return this.#calls.change('truncate', this.path, () => this.#node.pages.truncate(bytes), range)
  }

  async sync(): Promise<void> {
    this.#checkOpen()
    const { pages } = this.#node
    let snapshot: Snapshot | undefined
    return this.#calls.start({
      on: 'sync',
      call: 'sync',
      path: this.path,
      latency: this.#calls.host.engine.latencies.sync,
      range: { position: 0, length: pages.size, isZero: false },
      detail: pages.size,
      begin: () => {
        snapshot = pages.beginSync()
      },
      run: () => {
        if (snapshot !== undefined) pages.finishSync(snapshot)
      },
      failed: () => {
        if (snapshot !== undefined) pages.failSync(snapshot)
      },
    })
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #checkWritable(): void {
    this.#checkOpen()
    if (this.#isReadOnly) throw new FileError('other', this.path, 'can not write (the file is open for reading only)')
  }

  #checkOpen(): void {
    if (this.#closed) throw new FileError('other', this.path, 'the file is closed')
  }
}

function rangeOf(position: number, chunks: readonly Uint8Array[]): DiskRange {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  return { position, length, isZero: chunks.every(isZero), chunks }
}

function isZero(chunk: Uint8Array): boolean {
  for (let from = 0; from < chunk.length; from += ZEROS.length) {
    const part = chunk.subarray(from, from + ZEROS.length)
    if (Buffer.compare(part, ZEROS.subarray(0, part.length)) !== 0) return false
  }
  return true
}

function lockFolder(host: FilesHost, path: string, holder: string): FolderLock {
  host.disk.folder(path)
  const held = host.locks.get(path)
  if (held?.owner.alive === true) {
    throw new FileError('locked', path, `the folder is held by ${held.holder}; stop it or choose another folder`)
  }
  const lock = { owner: host.process, holder }
  host.locks.set(path, lock)
  return {
    async release() {
      if (host.locks.get(path) === lock) host.locks.delete(path)
    },
  }
}

/** `Files` as one process sees them. */
export function createSimFiles(host: FilesHost): Files {
  const { disk, engine } = host
  const { latencies } = engine
  const calls = new DiskCalls(host)

  function look<Result>(call: 'list' | 'read' | 'space', path: string, run: () => Result): Promise<Result> {
    return calls.start({ on: call === 'list' ? 'change' : 'read', call, path, latency: latencies.disk, run })
  }

  function syncFolders(path: string, folders: () => readonly FolderNode[]): Promise<void> {
    return calls.start({
      on: 'sync',
      call: 'sync-folder',
      path,
      latency: latencies.sync,
      run: () => {
        for (const folder of folders()) disk.syncFolder(folder)
      },
    })
  }

  return {
    async makeFolder(path, options) {
      const way = await calls.change('make-folder', path, () => disk.makeFolder(path))
      if (options?.durable === true) await syncFolders(path, () => way.slice(0, -1))
    },
    list: (path) => look('list', path, () => disk.list(path)),
    async open(path, mode) {
      const node = await calls.change('open', path, () => disk.openFile(path, mode === 'create'))
      return new SimFile(path, node, calls, mode === 'read')
    },
    readWhole(path, bytesMax) {
      return look('read', path, () => {
        if (disk.find(path) === undefined) return undefined
        const { pages } = disk.file(path)
        if (pages.size > bytesMax) {
          throw new FileError('other', path, `longer than the ${bytesMax} bytes allowed (${pages.size})`)
        }
        const bytes = new Uint8Array(pages.size)
        pages.read(0, bytes)
        return bytes
      })
    },
    rename: (from, to) => calls.change('rename', from, () => disk.rename(from, to)),
    remove: (path) => calls.change('remove', path, () => disk.remove(path)),
    syncFolder: (path) => syncFolders(path, () => [disk.folder(path)]),
    space(path) {
      return look('space', path, () => {
        if (disk.find(path) === undefined) throw new FileError('not-found', path, 'can not ask for the space of')
        const totalBytes = Math.min(disk.capacityBytes, DISK_BYTES_SHOWN)
        const usedBytes = Math.min(totalBytes, disk.usedBytes)
        return { totalBytes, usedBytes, freeBytes: totalBytes - usedBytes }
      })
    },
    lockFolder: (path, holder) => calls.change('lock', path, () => lockFolder(host, path, holder)),
  }
}
