// How far files of the key index reach in the log: a record's keys may end in one file and go on in the next.
import type { IndexEntry, IndexFile } from './index-file.ts'

/** Where keys are missing. */
export interface IndexPlace {
  /** Position in the log of a record. */
  readonly from: number
  /** Its keys that are in the files. */
  readonly skip: number
}

/** The last record that the files know, or `from` where that lies behind it. */
export async function placeBehind(files: readonly IndexFile[], from: number): Promise<IndexPlace> {
  const last = files.at(-1)?.header
  if (last === undefined || last.count <= 1 || last.endOffset < from) return { from, skip: 0 }
  let skip = 0
  for (const file of files.toReversed()) {
    for (let number = file.header.count - 1; number >= 1; number -= 1) {
      const entry = await entryOf(file, number)
      if (entry?.offset !== last.endOffset) return { from: last.endOffset, skip }
      skip += 1
    }
  }
  return { from: last.endOffset, skip }
}

/** The entry `number` of a file; undefined where it is none that was ever written. */
export async function entryOf(file: IndexFile, number: number): Promise<IndexEntry | undefined> {
  return file.decode(await file.entries(number, number + 1), 0, number)
}
