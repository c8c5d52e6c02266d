// What happens to files at rest, between two lives of the broker: flipped bits, zeroed pages, cut, deleted and swapped
// files. Files that derive from the log may suffer anything; of the log itself the body of one message does.
import type { Disk, Prng } from '../sim/index.ts'
import type { LogReader } from './log-image.ts'
import type { Model } from './model.ts'
import { fileKindOf } from './steps.ts'

/** Files that derive from the log, by the kinds that steps are named after. */
const DERIVED_KINDS = [
  'queue',
  'index',
  'apache-checkpoint',
  'queue-checkpoint',
  'flushed-mark',
  'last-writer',
  'start-cache',
  'mirror',
] as const
const WAYS = ['flipped bits', 'zeroed page', 'cut', 'deleted', 'swapped'] as const
type Way = (typeof WAYS)[number]
const WAYS_OF: Readonly<Partial<Record<(typeof DERIVED_KINDS)[number], readonly Way[]>>> = {
  // There is only one of it.
  'apache-checkpoint': ['flipped bits', 'zeroed page', 'cut', 'deleted'],
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

/** Damages one file that derives from the log, as `first` names it, if that is given; what was done to which kind, or undefined where there is none. */
export function damageDerived(disk: Disk, root: string, random: Prng, first?: string): string | undefined {
  const [wantedWay, wantedKind] = first?.split(': ') ?? []
  const kind = DERIVED_KINDS.find((name) => name === wantedKind) ?? random.pick(DERIVED_KINDS)
  const paths = filesBelow(disk, root).filter((path) => fileKindOf(root, path) === kind)
  if (paths.length === 0) return undefined
  const path = random.pick(paths)
  const way = WAYS.find((name) => name === wantedWay) ?? random.pick(WAYS_OF[kind] ?? WAYS)
  const { pages } = disk.file(path)
  if (pages.size === 0) return undefined
  switch (way) {
    case 'flipped bits':
      for (let count = 1 + random.integer(FLIPS_MAX); count > 0; count -= 1)
        disk.flipBit(path, placeIn(pages.size, random))
      break
    case 'zeroed page':
      disk.overwrite(
        path,
        PAGE_BYTES * Math.floor(placeIn(pages.size, random) / PAGE_BYTES),
        new Uint8Array(PAGE_BYTES),
      )
      break
    case 'cut':
      disk.cut(path, random.integer(pages.size))
      break
    case 'deleted':
      disk.remove(path)
      disk.syncFolder(disk.folder(path.slice(0, path.lastIndexOf('/'))))
      break
    case 'swapped': {
      const other = random.pick(paths)
      if (other === path) return undefined
      disk.swap(path, other)
      break
    }
  }
  return `${way}: ${kind}`
}

/** Name of what `damageMessage` does. */
export const MESSAGE_DAMAGE_NAME = 'flipped bits: body of a message'

/** Flips a bit in the body of a message where it lies in the log. False where there is none. */
export function damageMessage(
  disk: Disk,
  root: string,
  { model, log, random }: { readonly model: Model; readonly log: LogReader; readonly random: Prng },
): boolean {
  const known = log.read().records.filter(({ topic, body, position }) => {
    const message = model.topic(topic) === undefined ? undefined : model.ofBody(body)
    return message?.position === position && !message.isDamaged
  })
  if (known.length === 0) return false
  const record = random.pick(known)
  const { position, body, bodyAt } = record
  model.ofBody(body)!.isDamaged = true
  log.damaged(record)
  const base = position - (position % log.segmentBytes)
  const path = `${root}/commitlog/${String(base).padStart(20, '0')}`
  disk.flipBit(path, position - base + bodyAt + random.integer(body.length))
  return true
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
