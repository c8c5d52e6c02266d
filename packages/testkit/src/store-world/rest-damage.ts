// What happens to files at rest, between two lives of the broker: flipped bits, zeroed pages, pages of another file, cut,
// deleted and swapped files. Files that derive from the log may suffer anything; of the log itself single messages do.
import { SystemTopic } from '@rocketmq-ts/model'
import type { Disk, Prng } from '../sim/index.ts'
import type { LogReader } from './log-image.ts'
import type { Model } from './model.ts'
import { fileKindOf } from './steps.ts'

/** Files that derive from the log, by the kinds that steps are named after. */
const DERIVED_KINDS = [
  'queue',
  'unit-pack',
  'index',
  'apache-checkpoint',
  'queue-checkpoint',
  'flushed-mark',
  'last-writer',
  'start-cache',
  'timer-image',
  'timer-run',
  'mirror',
] as const
const WAYS = ['flipped bits', 'zeroed page', 'misdirected page', 'cut', 'deleted', 'all deleted', 'swapped'] as const
type Way = (typeof WAYS)[number]
const WAYS_OF: Readonly<Partial<Record<(typeof DERIVED_KINDS)[number], readonly Way[]>>> = {
  // There is only one of it.
  'apache-checkpoint': ['flipped bits', 'zeroed page', 'misdirected page', 'cut', 'deleted'],
}
const FLIPS_MAX = 8
const PAGE_BYTES = 4096

/** Names of all that `damageDerived` may do. */
export const REST_DAMAGE_NAMES: readonly string[] = DERIVED_KINDS.flatMap((kind) =>
  (WAYS_OF[kind] ?? WAYS).map((way) => `${way}: ${kind}`),
)

/** Every file below a folder. */
export function filesBelow(disk: Disk, folder: string): string[] {
  return disk
    .list(folder)
    .flatMap(({ name, kind }) => (kind === 'file' ? [`${folder}/${name}`] : filesBelow(disk, `${folder}/${name}`)))
}

/** What was done to which kind of file. */
export interface RestDamage {
  readonly name: string
  readonly paths: readonly string[]
}

/** Damages files that derive from the log, as `first` names it, if that is given; undefined where there is none. */
export function damageDerived(disk: Disk, root: string, random: Prng, first?: string): RestDamage | undefined {
  const [wantedWay, wantedKind] = first?.split(': ') ?? []
  const kind = DERIVED_KINDS.find((name) => name === wantedKind) ?? random.pick(DERIVED_KINDS)
  const paths = filesBelow(disk, root).filter((path) => fileKindOf(root, path) === kind)
  if (paths.length === 0) return undefined
  const path = random.pick(paths)
  let hit = [path]
  const way = WAYS.find((name) => name === wantedWay) ?? random.pick(WAYS_OF[kind] ?? WAYS)
  const { pages } = disk.file(path)
  if (pages.size === 0) return undefined
  switch (way) {
    case 'flipped bits':
      for (let count = 1 + random.integer(FLIPS_MAX); count > 0; count -= 1)
        disk.flipBit(path, placeIn(pages.size, random))
      break
    case 'zeroed page':
      disk.overwrite(path, pageOf(placeIn(pages.size, random)), new Uint8Array(PAGE_BYTES))
      break
    case 'misdirected page':
      disk.overwrite(path, pageOf(placeIn(pages.size, random)), anyPage(disk, root, random))
      break
    case 'cut':
      disk.cut(path, random.integer(pages.size))
      break
    case 'deleted':
      removeDurably(disk, path)
      break
    case 'all deleted':
      for (const each of paths) removeDurably(disk, each)
      hit = paths
      break
    case 'swapped': {
      const other = random.pick(paths)
      if (other === path) return undefined
      disk.swap(path, other)
      hit = [path, other]
      break
    }
  }
  return { name: `${way}: ${kind}`, paths: hit }
}

function pageOf(place: number): number {
  return PAGE_BYTES * Math.floor(place / PAGE_BYTES)
}

function removeDurably(disk: Disk, path: string): void {
  disk.remove(path)
  disk.syncFolder(disk.folder(path.slice(0, path.lastIndexOf('/'))))
}

/** What was to be written elsewhere: a page of any file. */
function anyPage(disk: Disk, root: string, random: Prng): Uint8Array {
  const { pages } = disk.file(random.pick(filesBelow(disk, root)))
  const bytes = new Uint8Array(PAGE_BYTES)
  if (pages.size > 0) pages.read(pageOf(placeIn(pages.size, random)), bytes)
  return bytes
}

/** What may happen to a message where it lies in the log. */
export const MESSAGE_DAMAGE_NAMES = [
  'flipped bits: body of a message',
  'flipped bits: header of a message',
  'body of a message with a checksum of zero',
] as const
const CHECKSUM_AT = 8
const CHECKSUM_BYTES = 4
/** Total size, magic and checksum of the body, then the position: a flip in any of them shows, whatever lies around. */
const FIELDS: readonly (readonly [from: number, to: number])[] = [
  [0, 12],
  [28, 36],
]

/** Damages one message in the log; what was done to it, undefined where there is none. */
export function damageMessage(
  disk: Disk,
  root: string,
  { model, log, random }: { readonly model: Model; readonly log: LogReader; readonly random: Prng },
): string | undefined {
  const known = log.read().records.filter(({ topic, body, position }) => {
    const message = model.topic(topic) === undefined ? undefined : model.ofBody(body)
    return message?.position === position && !message.isDamaged
  })
  const name = random.pick(MESSAGE_DAMAGE_NAMES)
  // Where the header of the last one is lost, nothing of the log says that its offset was given out.
  const last = new Map(known.map((record) => [`${record.topic} ${record.queueId}`, record]))
  const isHeader = name === 'flipped bits: header of a message'
  const chosen = isHeader ? known.filter((each) => last.get(`${each.topic} ${each.queueId}`) !== each) : known
  if (chosen.length === 0) return undefined
  const record = random.pick(chosen)
  const { position, body, bodyAt } = record
  model.ofBody(body)!.isDamaged = true
  log.damaged(record)
  const base = position - (position % log.segmentBytes)
  const path = `${root}/commitlog/${String(base).padStart(20, '0')}`
  const at = position - base
  if (isHeader) {
    const [from, to] = random.pick(FIELDS)
    disk.flipBit(path, at + from + random.integer(to - from))
    return name
  }
  disk.flipBit(path, at + bodyAt + random.integer(body.length))
  if (name !== MESSAGE_DAMAGE_NAMES[0]) disk.overwrite(path, at + CHECKSUM_AT, new Uint8Array(CHECKSUM_BYTES))
  return name
}

export const JOURNAL_DAMAGE_NAME = 'flipped bits: record of the in-flight journal'

/** Flips a bit in the body of one record of the in-flight journal, and says what it did. */
export function damageJournal(disk: Disk, root: string, log: LogReader, random: Prng): string | undefined {
  const records = log.read().records.filter(({ topic }) => topic === SystemTopic.INFLIGHT_LOG)
  if (records.length === 0) return undefined
  const record = random.pick(records)
  log.damaged(record)
  const base = record.position - (record.position % log.segmentBytes)
  const path = `${root}/commitlog/${String(base).padStart(20, '0')}`
  disk.flipBit(path, record.position - base + record.bodyAt + random.integer(record.body.length))
  return JOURNAL_DAMAGE_NAME
}

/** Removes every file that derives from the log; what says how far it was flushed, and who wrote it, stays. */
export function removeDerived(disk: Disk, root: string): void {
  const kinds = new Set<string>(DERIVED_KINDS)
  for (const kept of ['flushed-mark', 'last-writer', 'mirror']) kinds.delete(kept)
  for (const path of filesBelow(disk, root)) if (kinds.has(fileKindOf(root, path))) disk.remove(path)
}

/** Files are mostly empty at their end: half of the places are near the start. */
function placeIn(size: number, random: Prng): number {
  return random.integer(random.chance(0.5) ? Math.min(size, 1024) : size)
}

/** A part of the log. */
export interface LogRange {
  readonly from: number
  readonly to: number
}

/** Of the first record that an index file has a key of, in its header. Java: IndexHeader.beginPhyOffset. */
const BEGIN_OFFSET_AT = 16

/**
 * The records of which each file of the key index has keys, by path: up to those of the next file, or to the log's end. New
 * keys come in front of those that a chain has, so what is damaged in a file hides none of them.
 */
export function indexRanges(disk: Disk, root: string, end: number): ReadonlyMap<string, LogRange> {
  const paths = filesBelow(disk, root).filter((path) => fileKindOf(root, path) === 'index')
  const begins = paths.map((path) => {
    const bytes = Buffer.alloc(BEGIN_OFFSET_AT + 8)
    disk.file(path).pages.read(0, bytes)
    return Number(bytes.readBigInt64BE(BEGIN_OFFSET_AT))
  })
  // A record may have keys in two files, and a file that no checkpoint has covered has no header yet.
  return new Map(
    paths.map((path, at) => [path, { from: begins[at] || (begins[at - 1] ?? 0), to: (begins[at + 1] || end) + 1 }]),
  )
}
