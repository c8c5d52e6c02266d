// Messages of a topic by key. The index knows hashes and seconds; here each record's own text and time decide, so what
// comes out has the key and lies in the window. Apache's broker leaves that to clients: it answers other keys of the same
// hash too, and misses messages of the first second of the window.
import { commitLogOffset } from '@rocketmq-ts/model'
import { hasKey, keyHash } from '../key-index/key-hashes.ts'
import type { KeyIndex } from '../key-index/key-index.ts'
import type { FoundRecord, KeyQuery, KeyQueryResult } from './message-queries.ts'
import { recordAt, type RecordPlaces } from './record-at.ts'

const MiB = 1024 * 1024
/** Entries of the index that one query looks at, at most. */
const ENTRIES_MAX = 65_536
/** Records that one query reads and finds to have another key or time, at most. */
const MISSES_MAX = 1024
/** Bytes of records that one query answers, at most; a first one always fits. */
const BYTES_MAX = 8 * MiB
/** Bytes of records that are read between two pauses, in which other work runs. */
const BYTES_PER_PAUSE = MiB

export interface KeyQueryDeps extends RecordPlaces {
  readonly index: KeyIndex
  readonly pause: () => Promise<void>
  /** Consumers may see what starts below. */
  readonly visibleEnd: () => number
}

/** See MessageQueries.queryKeys. */
export async function queryKeys(deps: KeyQueryDeps, query: KeyQuery): Promise<KeyQueryResult> {
  const { index, pause } = deps
  const { fromMs, toMs, max } = query
  const lastIndexed = { ...index.last }
  const visibleEnd = deps.visibleEnd()
  const records: FoundRecord[] = []
  const seen = new Set<number>()
  const budget = { entries: ENTRIES_MAX }
  let misses = 0
  let bytes = 0
  let unpaused = 0
  let isCut = false

  for await (const at of index.candidates(keyHash(query.topic, query.key, query.kind), fromMs, toMs, budget)) {
    // An entry may be there twice: after a crash of Apache's broker, or because it goes into its file just now.
    if (at >= visibleEnd || seen.has(at)) continue
    seen.add(at)
    const record = await recordAt(deps, commitLogOffset(at))
    if (record !== undefined && isWanted(record, query)) {
      bytes += record.bytes.length
      isCut = records.length > 0 && bytes > BYTES_MAX
      if (!isCut) records.push(record)
    } else {
      misses += 1
      isCut = misses >= MISSES_MAX
    }
    if (isCut || records.length >= max) break
    unpaused += record?.bytes.length ?? 0
    if (unpaused < BYTES_PER_PAUSE) continue
    unpaused = 0
    await pause()
  }
  isCut ||= budget.entries <= 0 && records.length < max
  return { records: records.toReversed(), isCut, lastIndexed }
}

function isWanted(record: FoundRecord, { topic, key, kind, fromMs, toMs }: KeyQuery): boolean {
  const { storeTimestampMs } = record
  if (record.topic !== topic || storeTimestampMs < fromMs || storeTimestampMs > toMs) return false
  return hasKey(record.properties.toString(), key, kind)
}
