// Which undecided messages of transactions the end of the log commits. The journal tells of every other commit, but a crash
// may have come between the record that commits and the journal record of the same Turn. Checkpoints carry them on until a
// journal record has come.
import { readInt64OrNaN } from '@rocketmq-ts/bytes'
import { SysFlag } from '@rocketmq-ts/model'
import { isJournal } from './record-fields.ts'
import type { ScannedRecord } from './recovery.ts'

/** Our own log has no more of them behind its last journal record; of another broker's the newest are kept. */
const TAIL_COMMITS_MAX = 1_000_000
/** In front of the body: its length, and the place of the undecided message. */
const PREPARED_BEFORE_BODY = 4 + 8

/** Told of every record of a recovering log, in order. */
export class TailCommits {
  #places: number[]

  /** `known`: by the checkpoint from which the log is read. */
  constructor(known: readonly number[] = []) {
    this.#places = [...known]
  }

  take({ bytes, peek }: ScannedRecord): void {
    if ((peek.sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.TRANSACTION_COMMIT) {
      if (this.#places.length >= TAIL_COMMITS_MAX) this.#places = this.#places.slice(TAIL_COMMITS_MAX / 2)
      this.#places.push(readInt64OrNaN(bytes, peek.bodyAt - PREPARED_BEFORE_BODY))
    } else if (this.#places.length > 0 && isJournal(bytes, peek)) this.#places = []
  }

  /** Places in the log of the messages that were committed behind the last record of the journal. */
  get places(): readonly number[] {
    return this.#places
  }
}
