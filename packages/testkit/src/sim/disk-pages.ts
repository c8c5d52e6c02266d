// The content of one simulated file: what readers see (the page cache) and what a power loss leaves.
//
//   write → current, its sectors dirty       sync starts → snapshot of the dirty sectors       sync ends → durable
//
// A page is 4 KiB of eight sectors. Pages are never changed in place while a snapshot or the durable state shares them.
import type { Prng } from './prng.ts'

export const SECTOR_BYTES = 512
export const PAGE_BYTES = 4096
const SECTORS_PER_PAGE = PAGE_BYTES / SECTOR_BYTES
const ZERO_PAGE = new Uint8Array(PAGE_BYTES)
/** Pages are taken from pieces of this size: memory for each of them alone costs more than what it is used for. */
const SLAB_PAGES = 64

interface Page {
  current: Uint8Array
  durable: Uint8Array
  /** Bit per sector written since the last sync began. */
  dirty: number
  /** Bit per sector whose sync failed: the cache calls it clean, the disk does not have it. */
  lost: number
  /** `current` is part of a snapshot. */
  shared: boolean
}

interface SnapshotPage {
  readonly page: Page
  readonly bytes: Uint8Array
  readonly dirty: number
}

/** What one sync writes. */
export interface Snapshot {
  readonly pages: readonly SnapshotPage[]
  readonly size: number
}

/** What happens to each sector that was written but not synced. */
export interface PowerLossChances {
  readonly keep: number
  readonly tear: number
  /** Bytes that share one fate; a torn unit is half old, half new. */
  readonly unitBytes: number
}

export interface PowerLossReport {
  lostSectors: number
  tornSectors: number
}

let slab: ArrayBuffer | undefined
let slabPages = SLAB_PAGES

/** A page of zeros. */
function newPage(): Uint8Array {
  if (slab === undefined || slabPages === SLAB_PAGES) {
    slab = new ArrayBuffer(SLAB_PAGES * PAGE_BYTES)
    slabPages = 0
  }
  slabPages += 1
  return new Uint8Array(slab, (slabPages - 1) * PAGE_BYTES, PAGE_BYTES)
}

function copyOf(page: Uint8Array): Uint8Array {
  const copy = newPage()
  copy.set(page)
  return copy
}

function sectorMask(from: number, to: number): number {
  const first = Math.floor(from / SECTOR_BYTES)
  const last = Math.floor((to - 1) / SECTOR_BYTES)
  let mask = 0
  for (let sector = first; sector <= last; sector += 1) mask |= 1 << sector
  return mask
}

export class FilePages {
  readonly #pages = new Map<number, Page>()
  readonly #dirty = new Set<Page>()
  /** Syncs under way, oldest first. */
  readonly #pending: Snapshot[] = []
  #size = 0
  #durableSize = 0
  /** Cut since the last sync: pages may have become free. */
  #shrunk = false
  #version = 0

  /** Another one after each change of what readers see. */
  get version(): number {
    return this.#version
  }

  get size(): number {
    return this.#size
  }

  /** Bytes of disk that the content takes; holes take none. */
  get allocatedBytes(): number {
    return this.#pages.size * PAGE_BYTES
  }

  /** How many bytes more a write of this range would take. */
  missingBytes(position: number, length: number): number {
    let missing = 0
    for (let index = Math.floor(position / PAGE_BYTES); index * PAGE_BYTES < position + length; index += 1) {
      if (!this.#pages.has(index)) missing += PAGE_BYTES
    }
    return missing
  }

  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#version += 1
    let done = 0
    while (done < bytes.length) {
      const at = position + done
      const inPage = at % PAGE_BYTES
      const count = Math.min(PAGE_BYTES - inPage, bytes.length - done)
      const page = this.#writable(Math.floor(at / PAGE_BYTES))
      page.current.set(bytes.subarray(done, done + count), inPage)
      page.dirty |= sectorMask(inPage, inPage + count)
      done += count
    }
    this.#size = Math.max(this.#size, position + bytes.length)
  }

  read(position: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.#size - position))
    let done = 0
    while (done < count) {
      const at = position + done
      const inPage = at % PAGE_BYTES
      const length = Math.min(PAGE_BYTES - inPage, count - done)
      const bytes = this.#pages.get(Math.floor(at / PAGE_BYTES))?.current ?? ZERO_PAGE
      into.set(bytes.subarray(inPage, inPage + length), done)
      done += length
    }
    return count
  }

  truncate(size: number): void {
    this.#version += 1
    if (size < this.#size) {
      this.#clearFrom(size)
      this.#shrunk = true
    }
    this.#size = size
  }

  /** Takes what the sync will write; `finishSync` or `failSync` must follow. */
  beginSync(): Snapshot {
    const pages: SnapshotPage[] = []
    for (const page of this.#dirty) {
      pages.push({ page, bytes: page.current, dirty: page.dirty })
      page.dirty = 0
      page.shared = true
    }
    this.#dirty.clear()
    const snapshot = { pages, size: this.#size }
    this.#pending.push(snapshot)
    return snapshot
  }

  /** Everything written before the sync began is durable, so what earlier syncs have under way is too. */
  finishSync(snapshot: Snapshot): void {
    const at = this.#pending.indexOf(snapshot)
    for (const done of this.#pending.splice(0, at + 1)) this.#makeDurable(done)
    if (this.#shrunk) this.#freeBeyond(Math.max(this.#size, this.#durableSize))
    this.#shrunk = false
  }

  /** The cache counts the sectors as clean, so no later sync writes them: never retry a failed sync. */
  failSync(snapshot: Snapshot): void {
    const at = this.#pending.indexOf(snapshot)
    if (at < 0) return
    this.#pending.splice(at, 1)
    for (const { page, dirty } of snapshot.pages) page.lost |= dirty
  }

  /** Leaves what the disk would hold when the power returns. */
  losePower(random: Prng, chances: PowerLossChances, report: PowerLossReport): void {
    this.#version += 1
    this.#size = this.#sizeAfterPowerLoss(random, chances)
    for (const page of this.#pages.values()) {
      const bytes = page.current === page.durable ? page.current : this.#survivor(page, random, chances, report)
      page.current = bytes
      page.durable = bytes
      page.dirty = 0
      page.lost = 0
      page.shared = false
    }
    this.#dirty.clear()
    this.#pending.length = 0
    this.#clearFrom(this.#size)
    this.#settle()
  }

  /** Flips one bit of what is stored, in the cache and on the disk. */
  flipBit(position: number, bit: number): void {
    this.#version += 1
    const page = this.#pages.get(Math.floor(position / PAGE_BYTES))
    const inPage = position % PAGE_BYTES
    const flip = (bytes: Uint8Array): Uint8Array => {
      const copy = bytes.slice()
      copy[inPage] = (copy[inPage] ?? 0) ^ (1 << bit)
      return copy
    }
    if (page === undefined) {
      const bytes = flip(ZERO_PAGE)
      const made: Page = { current: bytes, durable: bytes, dirty: 0, lost: 0, shared: false }
      this.#pages.set(Math.floor(position / PAGE_BYTES), made)
      return
    }
    const wasClean = page.current === page.durable
    page.current = flip(page.current)
    page.durable = wasClean ? page.current : flip(page.durable)
  }

  #writable(index: number): Page {
    let page = this.#pages.get(index)
    if (page === undefined) {
      page = { current: newPage(), durable: ZERO_PAGE, dirty: 0, lost: 0, shared: false }
      this.#pages.set(index, page)
    } else if (page.shared || page.current === page.durable) {
      page.current = copyOf(page.current)
      page.shared = false
    }
    this.#dirty.add(page)
    return page
  }

  #clearFrom(size: number): void {
    for (const index of this.#pages.keys()) {
      const start = index * PAGE_BYTES
      if (start + PAGE_BYTES <= size) continue
      const from = Math.max(0, size - start)
      const page = this.#writable(index)
      page.current.fill(0, from)
      page.dirty |= sectorMask(from, PAGE_BYTES)
    }
  }

  #makeDurable(snapshot: Snapshot): void {
    for (const { page, bytes, dirty } of snapshot.pages) {
      page.lost &= ~dirty
      page.durable = page.lost === 0 ? bytes : mergeSectors(page.durable, bytes, dirty)
    }
    this.#durableSize = snapshot.size
  }

  #freeBeyond(size: number): void {
    for (const [index, page] of this.#pages) {
      if (index * PAGE_BYTES >= size && page.dirty === 0 && page.lost === 0) this.#pages.delete(index)
    }
  }

  #sizeAfterPowerLoss(random: Prng, chances: PowerLossChances): number {
    if (this.#size === this.#durableSize && this.#pending.length === 0) return this.#size
    const sizes = [this.#durableSize, ...this.#pending.map((snapshot) => snapshot.size)]
    if (random.chance(chances.keep)) return this.#size
    if (this.#size > this.#durableSize && random.chance(chances.tear)) {
      return this.#durableSize + random.integer(this.#size - this.#durableSize)
    }
    return random.pick(sizes)
  }

  #survivor(page: Page, random: Prng, chances: PowerLossChances, report: PowerLossReport): Uint8Array {
    const versions = [page.durable]
    for (const snapshot of this.#pending) {
      const part = snapshot.pages.find((candidate) => candidate.page === page)
      if (part !== undefined) versions.push(part.bytes)
    }
    versions.push(page.current)
    const bytes = page.durable.slice()
    const { unitBytes } = chances
    for (let from = 0; from < PAGE_BYTES; from += unitBytes) {
      const to = from + unitBytes
      if (Buffer.compare(page.current.subarray(from, to), page.durable.subarray(from, to)) === 0) continue
      if (random.chance(chances.tear)) {
        const cut = 1 + random.integer(unitBytes - 1)
        bytes.set(page.current.subarray(from, from + cut), from)
        report.tornSectors += 1
      } else if (random.chance(chances.keep)) {
        bytes.set(page.current.subarray(from, to), from)
      } else {
        const older = random.pick(versions.slice(0, -1))
        bytes.set(older.subarray(from, to), from)
        report.lostSectors += 1
      }
    }
    return bytes
  }

  /** After a power loss: what is there is what is durable. */
  #settle(): void {
    for (const page of this.#dirty) {
      page.durable = page.current
      page.dirty = 0
    }
    this.#dirty.clear()
    this.#durableSize = this.#size
    this.#freeBeyond(this.#size)
  }
}

function mergeSectors(older: Uint8Array, newer: Uint8Array, mask: number): Uint8Array {
  const merged = older.slice()
  for (let sector = 0; sector < SECTORS_PER_PAGE; sector += 1) {
    if ((mask & (1 << sector)) === 0) continue
    const from = sector * SECTOR_BYTES
    merged.set(newer.subarray(from, from + SECTOR_BYTES), from)
  }
  return merged
}
