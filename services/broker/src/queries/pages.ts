// Pages of a table that may be too large for one answer. Java: AdminBrokerProcessor, splitMetadataSize.
import { compareDataVersions, type DataVersion, decodeDataVersion, parseJavaJson } from '@rocketmq-ts/model'

/** Entries of one page, at most: each may take SETTING_BYTES_MAX, and a frame holds 16 MiB. */
export const PAGE_ENTRIES_MAX = 500
/** A DataVersion has three numbers. */
const VERSION_BYTES_MAX = 4096

/** What a request says of the page it wants. Nothing at all asks for the whole table, as slaves before 5.3 do. */
export interface PageWanted {
  /** Entries before the page. */
  readonly first: number | undefined
  readonly entriesMax: number | undefined
  /** JSON of the version that the earlier pages had, '' before the first. */
  readonly dataVersion: string | undefined
}

export interface Page<Entry> {
  readonly entries: readonly Entry[]
  /** Entries of the table; undefined when all are here. */
  readonly total: number | undefined
}

/** Cuts the page out of the table; from its start again when the table changed since the earlier pages. */
export function pageOf<Entry>(table: Iterable<Entry>, current: DataVersion, wanted: PageWanted): Page<Entry> {
  const all = [...table]
  const { first, entriesMax, dataVersion } = wanted
  if (first === undefined && entriesMax === undefined && dataVersion === undefined)
    return { entries: all, total: undefined }
  const start = isVersion(dataVersion ?? '', current) ? Math.max(first ?? 0, 0) : 0
  const count = Math.min(Math.max(entriesMax ?? PAGE_ENTRIES_MAX, 1), PAGE_ENTRIES_MAX)
  return { entries: all.slice(start, start + count), total: all.length }
}

function isVersion(text: string, current: DataVersion): boolean {
  if (text === '') return false
  return compareDataVersions(decodeDataVersion(parseJavaJson(text, { bytesMax: VERSION_BYTES_MAX })), current) === 0
}
