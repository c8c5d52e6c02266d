// Compares the key index with the log: entry by entry in the order of the log, then slots and headers. What a chain must
// look like is made anew from the entries, one file at a time: memory is the slots of one file.
import { decodeProperties, PropertyName } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'
import { keyHash, KeyHashes } from '../key-index/key-hashes.ts'
import { isIndexed, storedTagsCode } from '../record-fields.ts'
import type { ScannedRecord } from '../recovery.ts'
import type { Findings } from './finding.ts'
import type { Folder } from './folder-shape.ts'
import { IndexCursor } from './index-cursor.ts'
import { readIndexFiles } from './index-files.ts'

export interface IndexCheckOptions {
  readonly files: Files
  readonly folder: Folder
  readonly findings: Findings
  readonly logMin: number
  readonly foreignFrom: number | undefined
}

export interface IndexCheck {
  /** Keys of the records taken so far. */
  readonly keys: number
  /** Store time of the last record with a key, 0 without one. */
  readonly lastKeyMs: number
  /** A valid record, in the order of the log; `isAfterLoss` where some of the log before it is damaged. */
  take(record: ScannedRecord, topic: string, isAfterLoss: boolean): void
  compare(): Promise<void>
  finish(): Promise<void>
}

/** Keys that wait for a comparison. */
class Expected {
  hashes = new Int32Array(4096)
  offsets = new Float64Array(4096)
  timesMs = new Float64Array(4096)
  afterLoss = new Uint8Array(4096)
  tagHashes = new Int32Array(4096)
  length = 0

  push(hash: number, offset: number, timeMs: number, isAfterLoss: boolean, tagHash: number): void {
    if (this.length === this.hashes.length) this.#grow()
    this.hashes[this.length] = hash
    this.offsets[this.length] = offset
    this.timesMs[this.length] = timeMs
    this.afterLoss[this.length] = isAfterLoss ? 1 : 0
    this.tagHashes[this.length] = tagHash
    this.length += 1
  }

  #grow(): void {
    const grown = <Typed extends Int32Array | Float64Array | Uint8Array>(before: Typed, after: Typed): Typed => {
      after.set(before)
      return after
    }
    const length = this.length * 2
    this.hashes = grown(this.hashes, new Int32Array(length))
    this.offsets = grown(this.offsets, new Float64Array(length))
    this.timesMs = grown(this.timesMs, new Float64Array(length))
    this.afterLoss = grown(this.afterLoss, new Uint8Array(length))
    this.tagHashes = grown(this.tagHashes, new Int32Array(length))
  }
}

const NO_TAG = -1
/** Hashes of tags kept, at most. */
const TAG_HASHES_MAX = 10_000

/** Hash of a topic's tag as newer brokers of Apache's index it: `topic#T#tag`. Java: IndexService.buildKey. */
function createTagHashes() {
  const known = new Map<string, Map<number, number>>()
  let size = 0
  return (topic: string, tagsCode: number, properties: Buffer): number => {
    if (tagsCode === 0) return NO_TAG
    const found = known.get(topic)?.get(tagsCode)
    if (found !== undefined) return found
    if (size >= TAG_HASHES_MAX) {
      known.clear()
      size = 0
    }
    const hash = keyHash(topic, `T#${decodeProperties(properties.toString()).get(PropertyName.TAGS) ?? ''}`)
    known.set(topic, (known.get(topic) ?? new Map<number, number>()).set(tagsCode, hash))
    size += 1
    return hash
  }
}

export async function createIndexCheck(options: IndexCheckOptions): Promise<IndexCheck> {
  const { folder, findings, logMin } = options
  const found = await readIndexFiles(options.files, folder, findings)
  const cursor = new IndexCursor({ ...options, found })
  const expected = new Expected()
  const keys = new KeyHashes()
  const { geometry } = found
  let count = 0
  let lastKeyMs = 0
  let isBehind = false
  let lastTagHash = NO_TAG
  const tagHashOf = createTagHashes()

  /** One key against the entry at the cursor; false when that must be loaded first. */
  function compareOne(index: number): boolean {
    const [hash, offset, timeMs] = [expected.hashes[index]!, expected.offsets[index]!, expected.timesMs[index]!]
    for (;;) {
      if (cursor.takes(hash, offset, timeMs)) {
        lastTagHash = expected.tagHashes[index]!
        return true
      }
      const entry = cursor.entry()
      if (entry === 'cold') return false
      if (entry === undefined) {
        if (!isBehind) cursor.reportEnd(offset)
        isBehind = true
        return true
      }
      // Newer brokers of Apache's index the tags, too: behind the keys that we know.
      if (isTagEntry(entry) && offset > cursor.lastOffset) {
        cursor.advanceExtra(entry)
        continue
      }
      // Entries of records that are damaged now, of those that retention took, and of what Java indexed twice.
      if (isOfGone(entry, index)) {
        cursor.advanceOver(entry)
        continue
      }
      const wanted = cursor.wanted(hash, offset, timeMs)
      // More entries than its record has keys: told, and the keys of the records behind it are not blamed for it.
      if (offset > cursor.lastOffset && cursor.offsetOf(entry) === cursor.lastOffset) {
        cursor.reportDifference(entry, wanted)
        cursor.advanceOver(entry)
        continue
      }
      const isAccepted = cursor.acceptsSeconds(entry, wanted)
      if (!isAccepted) cursor.reportDifference(entry, wanted)
      // An entry that fits its chain is whole: then the key in the log is what changed.
      cursor.advance(isAccepted || !cursor.isChained(entry) ? hash : entry.readInt32BE(0), offset, timeMs)
      lastTagHash = expected.tagHashes[index]!
      return true
    }
  }

  function isTagEntry(entry: Buffer): boolean {
    if (cursor.offsetOf(entry) !== cursor.lastOffset || entry.readInt32BE(0) !== lastTagHash) return false
    return cursor.isChained(entry)
  }

  function isOfGone(entry: Buffer, index: number): boolean {
    const at = cursor.offsetOf(entry)
    if (at < logMin) return true
    if (options.foreignFrom !== undefined && at <= cursor.lastOffset) return true
    return expected.afterLoss[index] === 1 && at < expected.offsets[index]! && at > cursor.lastOffset
  }

  async function compare(): Promise<void> {
    if (geometry !== undefined) {
      for (let index = 0; index < expected.length && !isBehind; index += 1) {
        while (!compareOne(index)) await cursor.load()
      }
    }
    expected.length = 0
  }

  return {
    get keys() {
      return count
    },
    get lastKeyMs() {
      return lastKeyMs
    },
    take({ bytes, position, peek }, topic, isAfterLoss) {
      if (peek.propertiesLength === 0 || !isIndexed(peek.sysFlag)) return
      const properties = bytes.subarray(peek.propertiesAt, peek.propertiesAt + peek.propertiesLength)
      const added = keys.read(topic, properties)
      const tagHash = added === 0 ? NO_TAG : tagHashOf(topic, storedTagsCode(bytes, peek), properties)
      for (let index = 0; index < added; index += 1) {
        expected.push(keys.hashes[index]!, position, peek.storeTimestampMs, isAfterLoss, tagHash)
      }
      if (added > 0) lastKeyMs = peek.storeTimestampMs
      count += added
    },
    compare,
    async finish() {
      await compare()
      if (geometry === undefined) {
        if (count > 0 && found.names.length === 0) {
          const kind = folder.checkpoints[0]?.index === undefined ? 'index-behind' : 'index-file'
          findings.add(kind, { file: 'index' }, `${count} keys of messages are in the log, and no index is there`)
        }
        return
      }
      await cursor.finish(isBehind, isTagEntry)
    },
  }
}
