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
    name: 'A query by key answers every key of the same hash',
    file: 'packages/store/src/queries/query-keys.ts',
    text: '  return hasKey(record.properties.toString(), key)\n',
    replacement: '  return key !== undefined\n',
    testFile: 'packages/store/test/queries/query-keys.test.ts',
    test: 'key query: two keys of one hash → each answers its own message only',
  },
  {
    name: 'A query by key answers messages of a topic that was deleted',
    file: 'packages/store/src/queries/record-at.ts',
    text: 'if (hasUnit(peek.sysFlag) && (await',
    replacement: 'if (!hasUnit(peek.sysFlag) && (await',
    testFile: 'packages/store/test/queries/query-keys.test.ts',
    test: 'key query: topic deleted and made again → messages of the older one are not found',
  },
  {
    name: 'The slots of the key index are trusted after a crash',
    file: 'packages/store/src/key-index/restore-index.ts',
    text: 'if ((!cleanStop || saved === undefined) && last',
    replacement: 'if (saved === undefined && last',
    testFile: 'packages/store/test/key-index/restore-index.test.ts',
    test: 'index: slots that a crash left ahead of the entries → as safe as the rest after the next stop',
  },
  {
    name: 'A file of the key index is judged by its own header after a crash',
    file: 'packages/store/src/key-index/restore-index.ts',
    text: '  if (!options.cleanStop) return fileWith(options, state.name, state, header)\n',
    replacement: '',
    testFile: 'packages/store/test/key-index/key-crash.test.ts',
    test: 'key index: sends, checkpoints, stops and losses in any order → the answers are those of the log',
  },
  {
    name: "The headers of the key index run ahead of Apache's checkpoint",
    file: 'packages/store/src/checkpointer.ts',
    text: '      indexMsgTimestamp: indexedMs,\n',
    replacement: '      indexMsgTimestamp: 0,\n',
    testFile: 'packages/store/test/key-index/restore-index.test.ts',
    test: 'index: what the checkpoint of Apache and the headers say → never a header that is ahead of it',
  },
  {
    name: 'The keys of a record that two index files share are added twice',
    file: 'packages/store/src/key-index/restore-index.ts',
    text: '      skip += 1\n',
    replacement: '',
    testFile: 'packages/store/test/key-index/restore-index.test.ts',
    test: 'index: any of its files missing → built again from there on, byte for byte, and reported',
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
