// What the store does with its files: order of syncs, segments, damage.
import type { Mutant } from '../mutant.ts'

const CRASH_TESTS = 'packages/store/test/crash.test.ts'
const POWER_LOST = 'crash: power lost at any step → all that was flushed is there, in its place, once'

export const STORE_MUTANTS: readonly Mutant[] = [
  {
    name: 'The folder of a new segment is not synced',
    file: 'packages/store/src/commit-log/segment.ts',
    text: '      await file.sync()\n      await files.syncFolder(folder)\n',
    replacement: '      await file.sync()\n',
    testFile: CRASH_TESTS,
    test: POWER_LOST,
  },
  {
    name: 'A checkpoint is ahead of the queues it speaks of',
    file: 'packages/store/src/checkpointer.ts',
    text: '    await syncQueueFiles()\n',
    replacement: '',
    testFile: CRASH_TESTS,
    test: POWER_LOST,
  },
  {
    name: 'A checkpoint is written before the log is flushed that far',
    file: 'packages/store/src/checkpointer.ts',
    text: '    await log.whenFlushed(Math.max(coversTo, indexed?.coversTo ?? 0))\n',
    replacement: '',
    testFile: 'packages/store/test/faults.test.ts',
    test: 'recovery: units in a queue file beyond the recovered end → clamped: not visible, and cleared on the disk',
  },
  {
    name: 'A sync over a roll syncs the newest segment only',
    file: 'packages/store/src/commit-log/commit-log.ts',
    text: 'for (let base = from - (from % segmentBytes); base < to;',
    replacement: 'for (let base = to - 1 - ((to - 1) % segmentBytes); base < to;',
    testFile: CRASH_TESTS,
    test: POWER_LOST,
  },
  {
    name: 'Debris of a crash stays behind the end of the log',
    file: 'packages/store/src/repair.ts',
    text: '    await segment.file.truncate(from - base)\n',
    replacement: '',
    testFile: 'packages/store/test/damage.test.ts',
    test: 'damage: above F → cut at the first invalid byte, kept in damaged/, and cleared in the log',
  },
  {
    name: 'A CRC of zero passes for every body',
    file: 'packages/model/src/record-peek.ts',
    text: '=== peek.bodyCrc\n',
    replacement: '=== peek.bodyCrc || peek.bodyCrc === 0\n',
    testFile: 'packages/model/test/message-record.test.ts',
    test: 'record: a CRC of zero → a checksum like any other: it passes where it is right, and only there',
  },
]
