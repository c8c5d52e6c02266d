// What keeps a message from its topic, a time or a decision, and what is known of it.

/** What ended it: it must not come any more. */
export interface Over {
  /** 'limit': it was given up after too many questions. */
  readonly by: 'recall' | 'deletion' | 'rollback' | 'limit'
  /** It was answered so, or is in the log; otherwise both may be true. */
  isSure: boolean
  /** End of the log by then. */
  end: number
}

/** Of a message that waits for a decision. */
export interface Half {
  /** Its place in the queue of half messages, by which it is decided. */
  offset: number | undefined
  /** Its producer is not asked earlier than so long after it was stored. */
  readonly immuneMs: number
  /** By the clock of the machine. */
  readonly sentMs: number
  /** Somebody asked for a commit, whatever came of it. */
  isCommitAsked: boolean
  /** The first that was asked for, and nothing else was by then; `isSure` when it was answered. */
  commit: { isSure: boolean; end: number } | undefined
  /** When its decision was answered. */
  decidedMs: number | undefined
  questions: number
  /** So often the questions may have been forgotten. */
  forgotten: number
}

export interface Wait {
  readonly kind: 'level' | 'time' | 'half'
  /** Its topic must not have it before, by the clock of the broker. */
  readonly dueMs: number
  /** A place of the record that holds it, from the answer or from the log. */
  heldAt: number | undefined
  /** The first of these places: its producer knows it by that. */
  firstAt: number | undefined
  /** The log has held it after a recovery: it is there for good, or goes on in another record. */
  isSafe: boolean
  recallHandle: string | undefined
  readonly half: Half | undefined
  over: Over | undefined
  /** More than one fate fits what is known. */
  isFuzzy: boolean
  /** A recall or a decision waits for its answer. */
  isAsked: boolean
}

export function waitOf(kind: Wait['kind'], dueMs: number, half?: Half): Wait {
  return {
    kind,
    dueMs,
    heldAt: undefined,
    firstAt: undefined,
    isSafe: false,
    recallHandle: undefined,
    half,
    over: undefined,
    isFuzzy: false,
    isAsked: false,
  }
}
