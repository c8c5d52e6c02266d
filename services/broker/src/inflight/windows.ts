// Which messages of a queue an operation is about.

/** Offsets by block, ascending; reused between calls. */
export interface Windows {
  count: number
  readonly blocks: number[]
  readonly masks: number[]
}
