// Decides whose the log is from everything that speaks of it. Pure. One lost or damaged file decides nothing: only a log
// that goes on behind our end, a marker of Java's, or files that only Java writes make another broker.
import type { Noted } from './last-writer.ts'
import type { Seal } from './checkpoint-seal.ts'

/** A place of the log that was its end once. */
export interface EndFacts {
  readonly at: number
  /** Something stands there now. */
  readonly isWritten: boolean
}

export interface WriterFacts {
  readonly note: Noted | undefined
  /** The bytes in front of the note's position are those of then. */
  readonly isTailSame: boolean
  /** Something stands where the note says that the log ended. */
  readonly isWrittenAtNote: boolean
  /** 'none' after a stop in order, whoever it was; else who was the last to open the folder. */
  readonly abort: 'none' | 'ours' | 'java'
  /** Of Apache's checkpoint. */
  readonly seal: Seal
  /** What the owner said then and now. */
  readonly stamp: 'same' | 'other' | 'unknown'
  /** The furthest that our checkpoints and our flushed mark reach; undefined without any. */
  readonly covered: EndFacts | undefined
  readonly isEmpty: boolean
}

export type WriterVerdict =
  | { readonly kind: 'ours' }
  /** Found before, and not taken over yet. */
  | { readonly kind: 'noted'; readonly from: number; readonly isPrefixKept: boolean }
  /** `isPrefixKept`: all that derives from the log below `from` still holds. */
  | { readonly kind: 'foreign'; readonly from: number; readonly isPrefixKept: boolean }

const OURS = { kind: 'ours' } as const
const ALL_FOREIGN = { kind: 'foreign', from: 0, isPrefixKept: false } as const

export function judgeFacts(facts: WriterFacts): WriterVerdict {
  const { note, abort } = facts
  if (note?.state === 'foreign') {
    // Another broker had the folder again.
    if (note.isPrefixKept && !facts.isTailSame) return ALL_FOREIGN
    return { kind: 'noted', from: note.at, isPrefixKept: note.isPrefixKept }
  }
  // Java puts its process id there when it opens the folder. That we found its writes may not have been noted yet.
  const isUnnoted = note?.state === 'stopped' && facts.isWrittenAtNote && facts.seal === 'changed'
  if (abort === 'ours' && !isUnnoted) return OURS
  if (note === undefined) return judgeWithoutNote(facts)
  return note.state === 'stopped' ? judgeStopped(facts, note) : judgeOpen(facts, note)
}

function judgeWithoutNote({ abort, seal, covered, isEmpty }: WriterFacts): WriterVerdict {
  if (covered === undefined) return isEmpty ? OURS : ALL_FOREIGN
  const isOther = abort === 'java' || seal === 'changed' || covered.isWritten
  return isOther && !isEmpty ? ALL_FOREIGN : OURS
}

function judgeStopped({ abort, seal, stamp, isTailSame, isWrittenAtNote }: WriterFacts, note: Noted): WriterVerdict {
  if (stamp === 'other' || isWrittenAtNote) {
    return isTailSame ? { kind: 'foreign', from: note.at, isPrefixKept: true } : ALL_FOREIGN
  }
  // Bytes that differ while nothing else does are damage, not another broker that cut the log.
  const isCut = !isTailSame && (abort === 'java' || seal === 'changed')
  return isCut ? ALL_FOREIGN : OURS
}

/** No marker of ours, though the last note says that the folder was open. */
function judgeOpen({ abort, seal, stamp, covered, isTailSame }: WriterFacts, note: Noted): WriterVerdict {
  const mayBeOurs = abort === 'none' && stamp !== 'other' && seal === 'ours'
  // Stopped by us in order, and the note of that is lost: our last checkpoint covers exactly all that there is.
  const isCovered = covered !== undefined && covered.at >= note.at && !covered.isWritten
  // Killed, and the marker is lost: another broker's stop would have changed the files of the owner.
  if (mayBeOurs && (isCovered || stamp === 'same')) return OURS
  // What we wrote after taking the folder over may have been cut, so nothing that derives from it is trusted.
  return { kind: 'foreign', from: isTailSame ? note.at : 0, isPrefixKept: false }
}
