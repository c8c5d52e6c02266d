// Generated faults that no test can notice, and why: the changed line keeps every promise. Each line must still exist.
import type { Survivor } from '../run-generated.ts'

export const SURVIVORS: readonly Survivor[] = [
  {
    file: 'packages/store/src/recovery.ts',
    line: 'provenFlushed = Math.max(provenFlushed, await stampBehind(window, position + 1, tailEnd, options))',
    changed: 'provenFlushed = Math.max(provenFlushed, await stampBehind(window, position - 1, tailEnd, options))',
    why: 'the byte in front of the place belongs to the record before, and the place itself holds none',
  },
]
