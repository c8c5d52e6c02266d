// Generated faults that no test can notice, and why: the changed line keeps every promise. Each line must still exist.
import type { Survivor } from '../run-generated.ts'

export const SURVIVORS: readonly Survivor[] = [
  {
    file: 'packages/store/src/key-index/key-hashes.ts',
    line: 'for (let index = 0; index < name.length; index += 1) if (bytes[at + index] !== name[index]) return false',
    changed: 'for (let index = 1; index < name.length; index += 1) if (bytes[at + index] !== name[index]) return false',
    why: 'whoever asks for a name has compared its first byte already, which spares most calls',
  },
  {
    file: 'packages/store/src/key-index/restore-index.ts',
    line: 'const hash = at < bytes.length ? readInt32(bytes, at) : -1',
    changed: 'const hash = at <= bytes.length ? readInt32(bytes, at) : -1',
    why: 'a file of another length was given up before its entries are read: none of them is behind its end',
  },
  {
    file: 'packages/store/src/check/index-cursor.ts',
    line: 'this.#beginMs = this.#current?.header?.beginTimestampMs ?? 0',
    changed: 'this.#beginMs = this.#current?.header?.beginTimestampMs ?? 1',
    why: 'only of a file whose header is damaged, which is told; no second of its entries counts from either',
  },
  {
    file: 'packages/store/src/key-index/key-index.ts',
    line: 'if (this.pending < this.#unpersistedMax) return',
    changed: 'if (this.pending <= this.#unpersistedMax) return',
    why: 'the bound is looked at behind each record, whose keys may be over it anyway: one entry more, or not',
  },
  {
    file: 'packages/store/src/key-index/key-index.ts',
    line: 'return this.pending > this.#unpersistedMax && !(this.#isFull && this.#later === undefined)',
    changed: 'return this.pending >= this.#unpersistedMax && !(this.#isFull && this.#later === undefined)',
    why: 'sends wait behind a record whose keys may be over the bound anyway: one entry sooner, or not',
  },
  {
    file: 'packages/store/src/consume-queue/queue-repair.ts',
    line: 'const PROOFS_MAX = 16',
    changed: 'const PROOFS_MAX = 17',
    why: 'how many units are tried before all of the queue is read: time, not what comes out',
  },
  {
    file: 'packages/store/src/consume-queue/queue-repair.ts',
    line: 'for (let proof = 0; proof < PROOFS_MAX && doubt - distance >= queue.min; proof += 1) {',
    changed: 'for (let proof = 0; proof <= PROOFS_MAX && doubt - distance >= queue.min; proof += 1) {',
    why: 'how many units are tried before all of the queue is read: time, not what comes out',
  },
  {
    file: 'packages/store/src/commit-log/scan.ts',
    line: 'while (record >= 0 || blank >= 0) {',
    changed: 'while (record > 0 || blank >= 0) {',
    why: 'it is looked for behind the fourth byte: no index is 0',
  },
  {
    file: 'packages/store/src/commit-log/cold-reads.ts',
    line: 'let handed = 0',
    changed: 'let handed = 1',
    why: 'one byte less is handed out in one turn',
  },
  {
    file: 'packages/store/src/consume-queue/chunk-cache.ts',
    line: 'let looks = Math.min(LOOKS_MAX, 2 * this.#chunks.size)',
    changed: 'let looks = Math.min(LOOKS_MAX, 3 * this.#chunks.size)',
    why: 'a third round meets only chunks whose units are in no file yet, which stay',
  },
  {
    file: 'packages/store/src/key-index/restore-index.ts',
    line: 'const isCommitted = cleanStop && own !== undefined && isSame(own, header)',
    changed: 'const isCommitted = cleanStop && own === undefined && isSame(own, header)',
    why: 'the header is written once more, as it is',
  },
  {
    file: 'packages/store/src/key-index/restore-index.ts',
    line: 'const perPart = Math.max(PIECE_BYTES / PAGE_BYTES, Math.ceil(pages / partsMax)) * (PAGE_BYTES / SLOT_BYTES)',
    changed:
      'const perPart = Math.min(PIECE_BYTES / PAGE_BYTES, Math.ceil(pages / partsMax)) * (PAGE_BYTES / SLOT_BYTES)',
    why: 'smaller parts are more rounds over the entries, and the same slots',
  },
]
