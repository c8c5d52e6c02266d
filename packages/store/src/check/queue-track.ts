// What the log says of one queue so far: the units that its files must hold, collected until they are compared.
import { encodeUnit, UNIT_BYTES } from '../consume-queue/unit.ts'
import type { FindingKind, FindingPlace } from './finding.ts'

/** Units of the first buffer; it doubles. */
const UNITS_FIRST = 64
/** Findings of one queue kept until the log was read to its end, at most. */
const FINDINGS_MAX = 64

/** Holes of one queue, at most. */
const HOLES_MAX = 1000

/** Offsets in [from, to). */
export interface OffsetRange {
  readonly from: number
  to: number
  /** Units in it may be right: they were compared apart. */
  isMixed: boolean
}

/** Units that follow one another. */
export interface UnitRun {
  readonly from: number
  readonly units: Buffer
}

/** A finding that still may fall: a later record may end the topic, and its queues begin anew. */
export interface Tentative extends FindingPlace {
  readonly kind: FindingKind
  readonly problem: string
}

export class QueueTrack {
  readonly topic: string
  readonly topicBytes: Buffer
  readonly queueId: number
  /** The first offset that the log has a record for. */
  readonly first: number
  /** The next offset that a record must have. */
  next: number
  /** Offsets that may be missing: records of the queue that were named damaged already. */
  excused = 0
  /** Store time of the last record. */
  lastStoredMs = 0
  /** Nothing can be compared: the name may be no folder. */
  readonly isLegal: boolean
  readonly findings: Tentative[] = []
  moreFindings = 0
  behind = 0
  /** Offsets whose records were lost, ascending. */
  readonly holes: OffsetRange[] = []
  #runs: UnitRun[] = []
  #pending: Buffer = Buffer.alloc(0)
  #pendingFrom = 0
  #count = 0

  constructor(topic: string, topicBytes: Buffer, queueId: number, first: number, isLegal: boolean) {
    this.topic = topic
    this.topicBytes = topicBytes
    this.queueId = queueId
    this.first = first
    this.next = first
    this.isLegal = isLegal
  }

  /** Units not compared yet. */
  get count(): number {
    return this.#count
  }

  push(position: number, size: number, tagsCode: number): void {
    if (this.#count === 0) this.#pendingFrom = this.next
    const at = this.#count * UNIT_BYTES
    if (at === this.#pending.length) {
      const grown = Buffer.allocUnsafe(Math.max(UNITS_FIRST * UNIT_BYTES, at * 2))
      this.#pending.copy(grown)
      this.#pending = grown
    }
    encodeUnit(this.#pending, at, { commitLogOffset: position, size, tagsCode })
    this.#count += 1
    this.next += 1
  }

  /** The records up to `offset` were lost. */
  skipTo(offset: number): void {
    this.#endRun()
    const last = this.holes.at(-1)
    // At the bound the last hole grows: what lies in it is looked at less closely.
    if (last !== undefined && (last.to === this.next || this.holes.length === HOLES_MAX)) {
      last.isMixed ||= last.to !== this.next
      last.to = offset
    } else this.holes.push({ from: this.next, to: offset, isMixed: false })
    this.next = offset
  }

  /** Takes the units collected. */
  take(): UnitRun[] {
    this.#endRun()
    const runs = this.#runs
    this.#runs = []
    return runs
  }

  #endRun(): void {
    if (this.#count === 0) return
    this.#runs.push({ from: this.#pendingFrom, units: this.#pending.subarray(0, this.#count * UNIT_BYTES) })
    this.#pending = Buffer.alloc(0)
    this.#count = 0
  }

  found(finding: Tentative): void {
    if (this.findings.length < FINDINGS_MAX) this.findings.push(finding)
    else this.moreFindings += 1
  }
}

/** Queues by topic and number, found by the bytes of the topic: no text is made per record. */
export class TrackTable {
  readonly #byHash = new Map<number, QueueTrack[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  find(bytes: Buffer, topicAt: number, topicLength: number, queueId: number): QueueTrack | undefined {
    const same = this.#byHash.get(hashOf(bytes, topicAt, topicLength, queueId))
    if (same === undefined) return undefined
    for (const track of same) {
      if (track.queueId !== queueId || track.topicBytes.length !== topicLength) continue
      if (bytes.compare(track.topicBytes, 0, topicLength, topicAt, topicAt + topicLength) === 0) return track
    }
    return undefined
  }

  add(track: QueueTrack): void {
    const { topicBytes, queueId } = track
    const hash = hashOf(topicBytes, 0, topicBytes.length, queueId)
    const same = this.#byHash.get(hash)
    if (same === undefined) this.#byHash.set(hash, [track])
    else same.push(track)
    this.#size += 1
  }

  /** Removes the queues of a topic and returns them. */
  removeTopic(topic: string): QueueTrack[] {
    const removed: QueueTrack[] = []
    for (const [hash, tracks] of this.#byHash) {
      const kept = tracks.filter((track) => track.topic !== topic)
      if (kept.length === tracks.length) continue
      removed.push(...tracks.filter((track) => track.topic === topic))
      if (kept.length === 0) this.#byHash.delete(hash)
      else this.#byHash.set(hash, kept)
    }
    this.#size -= removed.length
    return removed
  }

  *all(): Iterable<QueueTrack> {
    for (const tracks of this.#byHash.values()) yield* tracks
  }
}

/** FNV-1a. */
function hashOf(bytes: Buffer, at: number, length: number, queueId: number): number {
  let hash = 0x811c9dc5 ^ queueId
  for (let index = at; index < at + length; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193)
  return hash
}
