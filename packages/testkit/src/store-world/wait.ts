// What keeps a message from its topic, and what is known of it.

/** What ended it before its time: it must not come any more. */
export interface Over {
  readonly by: 'recall' | 'deletion'
  /** It was answered so; otherwise both may be true. */
  isSure: boolean
  /** End of the log when it was answered. */
  end: number
}

export interface Wait {
  readonly kind: 'level' | 'time'
  /** Its topic must not have it before, by the clock of the broker. */
  readonly dueMs: number
  /** A place of the record that holds it, from the answer or from the log. */
  heldAt: number | undefined
  /** The log has held it after a recovery: it is there for good, or goes on in another record. */
  isSafe: boolean
  recallHandle: string | undefined
  over: Over | undefined
  /** More than one fate fits what is known, but none before its time. */
  isFuzzy: boolean
  /** A recall waits for its answer. */
  isAsked: boolean
}

export function waitOf(kind: Wait['kind'], dueMs: number): Wait {
  return {
    kind,
    dueMs,
    heldAt: undefined,
    isSafe: false,
    recallHandle: undefined,
    over: undefined,
    isFuzzy: false,
    isAsked: false,
  }
}
