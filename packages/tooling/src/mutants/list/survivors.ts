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
]
