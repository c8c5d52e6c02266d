// What the timer index knows of a delayed message: when it is due, where its record lies, and what a recall finds it by.
//
//   due f64 | position f64 | size u32 | key hash u32, big-endian, 24 bytes: in run files and in images

/** Bytes of one entry on disk. */
export const TIMER_ENTRY_BYTES = 24

/** The order of delivery; positions are never shared, so neither are keys. */
export interface TimerKey {
  /** Wall milliseconds. */
  readonly dueMs: number
  /** Commit log offset of the record. */
  readonly position: number
}

/** One pending message. */
export interface TimerEntry extends TimerKey {
  /** Bytes of the record. */
  readonly size: number
  /** Of the message's topic and unique key, 0 where nobody can recall it. */
  readonly keyHash: number
}

/** In front of every key. */
export const FIRST_KEY: TimerKey = { dueMs: -1, position: -1 }

/** Negative where `a` is due first. */
export function compareKeys(a: TimerKey, b: TimerKey): number {
  return a.dueMs === b.dueMs ? a.position - b.position : a.dueMs - b.dueMs
}

/** Writes an entry into its 24 bytes. */
export function writeTimerEntry(into: DataView, at: number, entry: TimerEntry): void {
  into.setFloat64(at, entry.dueMs)
  into.setFloat64(at + 8, entry.position)
  into.setUint32(at + 16, entry.size)
  into.setUint32(at + 20, entry.keyHash)
}

/** Reads what `writeTimerEntry` wrote. */
export function readTimerEntry(from: DataView, at: number): TimerEntry {
  return {
    dueMs: from.getFloat64(at),
    position: from.getFloat64(at + 8),
    size: from.getUint32(at + 16),
    keyHash: from.getUint32(at + 20),
  }
}

/** Copies what `writeTimerEntry` wrote. */
export function copyEntry(into: DataView, at: number, from: DataView, fromAt: number): void {
  into.setFloat64(at, from.getFloat64(fromAt))
  into.setFloat64(at + 8, from.getFloat64(fromAt + 8))
  into.setUint32(at + 16, from.getUint32(fromAt + 16))
  into.setUint32(at + 20, from.getUint32(fromAt + 20))
}

/** Negative where the entry at the first place is due first; nothing is made for it. */
export function compareEntriesAt(a: DataView, aAt: number, b: DataView, bAt: number): number {
  const byDue = a.getFloat64(aAt) - b.getFloat64(bAt)
  return byDue === 0 ? a.getFloat64(aAt + 8) - b.getFloat64(bAt + 8) : byDue
}

/** The same for an entry and a key. */
export function compareEntryAt(view: DataView, at: number, key: TimerKey): number {
  const byDue = view.getFloat64(at) - key.dueMs
  return byDue === 0 ? view.getFloat64(at + 8) - key.position : byDue
}

/** Commit log offset of the entry there. */
export function positionAt(view: DataView, at: number): number {
  return view.getFloat64(at + 8)
}

/** Entries that these bytes hold. */
export function entriesIn(view: DataView): number {
  return view.byteLength / TIMER_ENTRY_BYTES
}

/** A view of the bytes, whatever buffer they are in. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
