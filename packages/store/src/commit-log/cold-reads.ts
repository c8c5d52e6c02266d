// Reads of what is no longer in the page cache. Records of a backlog lie close to one another, so where reads are dense
// they are served from pieces of up to 1 MiB that several readers share; elsewhere each record is read alone.
// Invariant: pieces in memory and those being read never take more than the bytes allowed, and a lent byte is a copied one.
import { type DirectLane, pageAligned, type Scheduler } from '@rocketmq-ts/runtime'
import type { Segment } from './segment.ts'

const KiB = 1024
/** One read of the cold lane. */
const PIECE_BYTES = 1024 * KiB
/** Pieces overlap by this, so that a small record always lies within the one that it begins in. */
const OVERLAP_BYTES = 32 * KiB
const STRIDE_BYTES = PIECE_BYTES - OVERLAP_BYTES
/**
 * Pieces that are there before what a drain has left behind gives its memory to the next one: what goes round in so few
 * stays in the cache of the processor, where it is copied three times as fast. More where one is asked for again.
 */
const PIECES_BEFORE_REUSE = 14
/** Pieces that gave their memory away and are remembered for that, at most. */
const REUSED_MAX = 64
/** Reads of single records within one piece before the rest of it is worth a read. */
const LONE_READS_MAX = 3
/** Pieces whose lone reads are remembered, at most. */
const REMEMBERED_MAX = 4096
/** Records taken from a piece that make it likely that the next one will be wanted too. */
const TAKEN_BEFORE_NEXT = 16
/** Pieces in front of a drain, at most: now and then one of them waits for the megabytes that the system reads ahead. */
const AHEAD_MAX = 8
/** Share of the pieces that nobody has taken from yet, at most; beyond it a drain has one in front of it. */
const UNTOUCHED_SHARE = 0.5
/** Bytes handed to those who waited for a piece before other work runs. */
const HANDED_PER_TURN_BYTES = 256 * KiB

export interface ColdReads {
  /**
   * Fills `into` from `start` on with the bytes of the place: at once where a piece in memory has them, else later. The
   * number is that of the bytes read. Groups take turns in the lane.
   */
  read(place: ColdPlace, into: Uint8Array, start: number, group: string): number | Promise<number>
  /**
   * The short way of most reads of a drain: fills `into` where the piece used last has all the bytes, and nothing but the
   * copy is to be done. False where `read` has to be asked.
   */
  takeRecent(position: number, size: number, into: Uint8Array, start: number): boolean
  /** Bytes of pieces in memory and of those being read. */
  readonly bytes: number
}

export interface ColdPlace {
  readonly segment: Segment
  readonly position: number
  readonly size: number
  /** Bytes of the log are written up to here. */
  readonly end: number
}

interface Piece {
  /** Position in the log of its first byte. */
  readonly start: number
  readonly buffer: Buffer
  /** Bytes in it; 0 while it is read. */
  length: number
  /** Records taken from it. */
  taken: number
  /** Pieces behind it that are worth a read: the more, the longer the drain has lasted. */
  readonly ahead: number
  /** Those were asked for. */
  isFollowed: boolean
  /** Those who wait for it; undefined once it is there and all of them have their bytes. */
  waiting: Waiter[] | undefined
}

interface Waiter {
  readonly bytes: number
  readonly serve: () => void
}

/** @param bytesMax for pieces; below one piece every record is read alone. */
export function createColdReads(options: {
  readonly scheduler: Scheduler
  readonly segmentBytes: number
  readonly bytesMax: number
  /** Of pieces; single records are read as 'cold'. */
  readonly pieceLane: DirectLane
}): ColdReads {
  const { scheduler, segmentBytes, pieceLane } = options
  // No piece goes beyond its segment.
  const pieceBytes = Math.min(PIECE_BYTES, segmentBytes)
  const piecesMax = Math.floor(options.bytesMax / PIECE_BYTES)
  /** By start, the least recently used first. */
  const pieces = new Map<number, Piece>()
  /** Lone reads by start of the piece they would be in. */
  const loneReads = new Map<number, number>()
  let recent: Piece | undefined
  /** Starts of pieces that were left behind and gave their memory away, and how many stay before that is done. */
  const reused = new Set<number>()
  let piecesBeforeReuse = PIECES_BEFORE_REUSE

  /** Room for one more, or undefined while all are being read. */
  function takeBuffer(): Buffer | undefined {
    const isFull = pieces.size >= piecesMax
    if (isFull || pieces.size >= piecesBeforeReuse) {
      for (const piece of pieces.values()) {
        if (piece.waiting !== undefined || !(isFull || isLeft(piece))) continue
        pieces.delete(piece.start)
        if (recent === piece) recent = undefined
        if (!isFull) noteReuse(piece.start)
        return piece.buffer
      }
    }
    if (isFull) return undefined
    return pageAligned(pieceBytes)
  }

  /** It was taken from, and if the next one is there, so was that. */
  function isLeft({ start, taken }: Piece): boolean {
    return taken > 0 && pieces.get(start + STRIDE_BYTES)?.taken !== 0
  }

  function noteReuse(start: number): void {
    reused.add(start)
    if (reused.size <= REUSED_MAX) return
    for (const oldest of reused) {
      reused.delete(oldest)
      return
    }
  }

  function load({ segment, end }: ColdPlace, start: number, group: string, ahead = 1): Piece | undefined {
    // Somebody else is behind: from now on one more stays.
    if (reused.delete(start)) piecesBeforeReuse += 1
    const buffer = takeBuffer()
    if (buffer === undefined) return undefined
    const piece: Piece = { start, buffer, length: 0, taken: 0, ahead, isFollowed: false, waiting: [] }
    pieces.set(start, piece)
    loneReads.delete(start)
    const length = Math.min(PIECE_BYTES, end - start, segment.base + segmentBytes - start)
    segment.file.read(start - segment.base, buffer.subarray(0, length), pieceLane, group).then(
      (count) => {
        piece.length = count
        handOut(piece)
      },
      () => {
        // One bad sector must not take its neighbours along: those who wait read for themselves, and so do later ones.
        pieces.delete(start)
        remember(start, Number.NEGATIVE_INFINITY)
        handOut(piece)
      },
    )
    return piece
  }

  /** Those who waited get their bytes, not all of them at once: each checks and answers. */
  function handOut(piece: Piece): void {
    const waiting = piece.waiting ?? []
    let handed = 0
    let index = 0
    for (let waiter = waiting[0]; waiter !== undefined && handed < HANDED_PER_TURN_BYTES; waiter = waiting[index]) {
      waiter.serve()
      handed += waiter.bytes
      index += 1
    }
    waiting.splice(0, index)
    if (waiting.length > 0) scheduler.soon(() => handOut(piece))
    else piece.waiting = undefined
  }

  /** −1 when the piece ends before the record does. */
  function take(piece: Piece, { position, size }: ColdPlace, into: Uint8Array, start: number): number {
    const at = position - piece.start
    piece.taken += 1
    if (at + size > piece.length) return -1
    piece.buffer.copy(into, start, at, at + size)
    return size
  }

  function readAlone(place: ColdPlace, into: Uint8Array, start: number, group: string): Promise<number> {
    const { segment, position, size } = place
    return segment.file.read(position - segment.base, into.subarray(start, start + size), 'cold', group)
  }

  function wait(piece: Piece, place: ColdPlace, into: Uint8Array, start: number, group: string): Promise<number> {
    return new Promise((resolve) => {
      const serve = (): void => {
        const count = take(piece, place, into, start)
        resolve(count >= 0 ? count : readAlone(place, into, start, group))
      }
      piece.waiting?.push({ bytes: place.size, serve })
    })
  }

  function countUntouched(): number {
    let count = 0
    for (const { taken } of pieces.values()) if (taken === 0) count += 1
    return count
  }

  /** The pieces that follow are read before anybody asks for them: twice as many as for the one in front. */
  function readAhead(place: ColdPlace, piece: Piece, group: string): void {
    if (piece.isFollowed || piece.taken < TAKEN_BEFORE_NEXT) return
    piece.isFollowed = true
    const end = Math.min(place.end, place.segment.base + segmentBytes)
    const ahead = Math.min(AHEAD_MAX, 2 * piece.ahead)
    for (let index = 1; index <= piece.ahead; index += 1) {
      const next = piece.start + index * STRIDE_BYTES
      if (next >= end || (index > 1 && countUntouched() >= piecesMax * UNTOUCHED_SHARE)) return
      if (!pieces.has(next)) load(place, next, group, ahead)
    }
  }

  function remember(start: number, reads: number): void {
    loneReads.delete(start)
    loneReads.set(start, reads)
    if (loneReads.size <= REMEMBERED_MAX) return
    for (const oldest of loneReads.keys()) {
      loneReads.delete(oldest)
      return
    }
  }

  /** Reads around here are dense enough for a piece. */
  function isDense(start: number): boolean {
    const reads = (loneReads.get(start) ?? 0) + 1
    const before = pieces.get(start - STRIDE_BYTES)
    if (reads > LONE_READS_MAX || (reads > 0 && before !== undefined && before.taken >= TAKEN_BEFORE_NEXT)) return true
    remember(start, reads)
    return false
  }

  return {
    get bytes() {
      return pieces.size * PIECE_BYTES
    },
    takeRecent(position, size, into, start) {
      if (recent === undefined || !recent.isFollowed || recent.waiting !== undefined) return false
      const at = position - recent.start
      if (at < 0 || at >= STRIDE_BYTES || at + size > recent.length) return false
      recent.buffer.copy(into, start, at, at + size)
      return true
    },
    read(place, into, start, group) {
      const { segment, position, size } = place
      const pieceStart = position - ((position - segment.base) % STRIDE_BYTES)
      if (position + size > pieceStart + PIECE_BYTES) return readAlone(place, into, start, group)
      let piece = recent?.start === pieceStart ? recent : pieces.get(pieceStart)
      if (piece === undefined && isDense(pieceStart)) piece = load(place, pieceStart, group)
      if (piece === undefined) return readAlone(place, into, start, group)
      if (piece.waiting !== undefined) return wait(piece, place, into, start, group)
      if (recent !== piece) {
        recent = piece
        pieces.delete(pieceStart)
        pieces.set(pieceStart, piece)
      }
      const count = take(piece, place, into, start)
      readAhead(place, piece, group)
      return count >= 0 ? count : readAlone(place, into, start, group)
    },
  }
}
