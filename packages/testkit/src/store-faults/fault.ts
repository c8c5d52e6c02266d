// Faults of a disk, planted one at a time into a folder: what is changed, and by which bytes.
import type { Prng } from '../sim/prng.ts'
import type { FolderImage } from './folder-image.ts'

const PAGE_BYTES = 4096
const SECTOR_BYTES = 512

export type FaultKind = 'flip' | 'byte' | 'zeroed-page' | 'zeroed-sector' | 'truncation' | 'swap'

/** Bytes of a file that differ from what they were. */
export interface ChangedBytes {
  readonly file: string
  readonly from: number
  readonly to: number
}

export interface Fault {
  readonly kind: FaultKind
  readonly what: string
  /** New content of the files concerned. */
  readonly contents: ReadonlyMap<string, Buffer>
  readonly changed: readonly ChangedBytes[]
}

const KINDS: readonly FaultKind[] = [
  'flip',
  'flip',
  'flip',
  'byte',
  'zeroed-page',
  'zeroed-sector',
  'truncation',
  'swap',
]

/** A fault by chance that changes at least a byte; undefined where the dice met bytes that stayed the same. */
export function plantFault(image: FolderImage, random: Prng): Fault | undefined {
  const kind = random.pick(KINDS)
  const files = [...image].filter(([, content]) => content.length > 0)
  const [file, content] = random.pick(files)
  // Half of all faults hit what was written: most of a small store is zeros.
  const at = random.chance(0.5) ? random.integer(content.length) : writtenPlace(content, random)
  switch (kind) {
    case 'flip':
      return single(file, content, at, content[at]! ^ (1 << random.integer(8)), kind)
    case 'byte':
      return single(file, content, at, random.integer(256), kind)
    case 'zeroed-page':
      return zeroed(file, content, at - (at % PAGE_BYTES), PAGE_BYTES, kind)
    case 'zeroed-sector':
      return zeroed(file, content, at - (at % SECTOR_BYTES), SECTOR_BYTES, kind)
    case 'truncation':
      return made(kind, `${file} cut to ${at} bytes`, file, content, content.subarray(0, at), at, content.length)
    case 'swap':
      return swapped(file, content, random.pick(files))
  }
}

/** One bit of one byte. */
export function flipBit(file: string, content: Buffer, at: number, bit: number): Fault {
  return single(file, content, at, content[at]! ^ (1 << bit), 'flip')!
}

function writtenPlace(content: Buffer, random: Prng): number {
  const start = random.integer(content.length)
  for (let at = start; at < content.length; at += 1) if (content[at] !== 0) return at
  return start
}

function made(
  kind: FaultKind,
  what: string,
  file: string,
  before: Buffer,
  after: Buffer,
  from: number,
  to: number,
): Fault | undefined {
  if (before.equals(after)) return undefined
  return { kind, what, contents: new Map([[file, after]]), changed: [{ file, from, to }] }
}

function single(file: string, content: Buffer, at: number, value: number, kind: FaultKind): Fault | undefined {
  const after = Buffer.from(content)
  after[at] = value
  return made(kind, `${file} byte ${at}: ${content[at]} → ${value}`, file, content, after, at, at + 1)
}

function zeroed(file: string, content: Buffer, from: number, bytes: number, kind: FaultKind): Fault | undefined {
  const to = Math.min(content.length, from + bytes)
  const after = Buffer.from(content).fill(0, from, to)
  return made(kind, `${file} zeros in ${from} … ${to}`, file, content, after, from, to)
}

function swapped(file: string, content: Buffer, [other, otherContent]: readonly [string, Buffer]): Fault | undefined {
  if (content.equals(otherContent)) return undefined
  return {
    kind: 'swap',
    what: `${file} and ${other} swapped`,
    contents: new Map([
      [file, otherContent],
      [other, content],
    ]),
    changed: [
      { file, from: 0, to: content.length },
      { file: other, from: 0, to: otherContent.length },
    ],
  }
}
