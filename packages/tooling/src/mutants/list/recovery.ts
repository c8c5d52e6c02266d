// What is read after a crash is what was written, and nothing points beyond it.
import type { Mutant } from '../mutant.ts'

const STORE_TEST = 'packages/store/test/store.test.ts'
const SCAN_TEST = 'packages/store/test/recovery.test.ts'
const BROKER_TEST = 'services/broker/test/restart.test.ts'
const LAST_WRITER_TEST = 'packages/store/test/last-writer.test.ts'
const TAKE_OVER_TEST = 'services/broker/test/foreign/take-over.test.ts'
const SURVIVORS_TEST = 'services/broker/test/pop/survivors.test.ts'
const LOST_LOG_TEST = 'services/broker/test/lost-log.test.ts'

export const RECOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'A record is read without a look at its CRC',
    file: 'packages/store/src/commit-log/scan.ts',
    text: ': peekedBodyCrcMatches(bytes, peek)\n',
    replacement: ': peek.bodyLength >= 0\n',
    testFile: STORE_TEST,
    test: 'read: a flipped bit of the body on the disk → MqError damaged, hot and cold',
  },
  {
    name: 'Recovery takes a record without a look at its CRC',
    file: 'packages/store/src/commit-log/scan.ts',
    text: "  if (!peekedBodyCrcMatches(bytes, peek)) return 'torn'\n",
    replacement: '',
    testFile: SCAN_TEST,
    test: 'recovery: a flipped bit of a body above F → the log ends in front of that record, and the rest is debris',
  },
  {
    name: 'A derived file is read without a look at its CRC',
    file: 'packages/runtime/src/generation-file.ts',
    text: "!== bytes.readUInt32BE(bytes.length - CRC_BYTES)) return 'CRC differs'",
    replacement: "< 0) return 'CRC differs'",
    testFile: 'packages/runtime/test/generation-file.test.ts',
    test: 'generations: any damaged bit or cut → reported with a reason, the one before is found',
  },
  {
    name: 'What lies behind a hole above F is served',
    file: 'packages/store/src/recovery.ts',
    text: '      if (position >= provenFlushed) return undefined\n',
    replacement: '      if (tailEnd <= position) return undefined\n      provenFlushed = tailEnd\n',
    testFile: SCAN_TEST,
    test: 'recovery: a valid record behind a hole above F → it is not served',
  },
  {
    name: 'A checkpoint beyond the recovered end is trusted',
    file: 'packages/runtime/src/generation-file.ts',
    text: 'generations.filter((generation) => generation.coversTo <= logEnd)',
    replacement: 'generations.filter((generation) => generation.coversTo >= 0)',
    testFile: 'packages/store/test/faults.test.ts',
    test: 'recovery: a checkpoint that covers more than was flushed → discarded and reported; the queues come from the log',
  },
  {
    name: 'A start cache beyond the recovered end is trusted',
    file: 'services/broker/src/restore.ts',
    text: 'discardGenerationsBeyond(deps.files, valid, trusted)',
    replacement: 'discardGenerationsBeyond(deps.files, valid, Number.MAX_SAFE_INTEGER)',
    testFile: LOST_LOG_TEST,
    test: 'lost log: the start cache covers more than is left → it is refused, the messages that are left come again',
  },
  {
    name: 'A folder is called ours before what another broker left is taken over',
    file: 'services/broker/src/foreign/take-over.ts',
    text: 'const found = await readSettingsFiles(files, root)',
    replacement: 'await store.claim()\n  const found = await readSettingsFiles(files, root)',
    testFile: TAKE_OVER_TEST,
    test: 'take over: %s at any moment of it → the next start has the same',
  },
  {
    name: 'What another broker wrote behind our end is not noticed',
    file: 'packages/store/src/last-writer.ts',
    text: 'return head.some((byte) => byte !== 0)',
    replacement: 'return false',
    testFile: LAST_WRITER_TEST,
    test: 'last writer: another broker wrote on and was %s → it is told from where, and all is served',
  },
  {
    name: 'What only the page cache has is not written once more where the mark is lost',
    file: 'packages/store/src/restore.ts',
    text: 'if (!cleanStop) await rewriteUnproven(',
    replacement: 'if (ownMark !== undefined && !cleanStop) await rewriteUnproven(',
    testFile: 'packages/store/test/faults.test.ts',
    test: 'sync: it failed, the restart read what it should have written, %s → no power loss takes it away',
  },
  {
    name: 'A copy in a retry topic settles nothing at replay',
    file: 'services/broker/src/restore.ts',
    text: ' || isRetryTopic(topic),',
    replacement: ',',
    testFile: SURVIVORS_TEST,
    test: 'survivors: nothing but the copy reached the disk → the copy alone has settled its origin',
  },
  {
    name: 'Nothing is clamped after the tail of a queue was lost',
    file: 'services/broker/src/restore.ts',
    text: '    deps.inflight.clamp(queue, max)\n',
    replacement: '',
    testFile: LOST_LOG_TEST,
    test: 'lost log: the last message of a queue is damaged, head and body, after it was popped → the next message is delivered',
  },
  {
    name: 'Two records of a Turn get the same queue offset',
    file: 'packages/store/src/store.ts',
    text: 'if (queue !== undefined) queue.assigned += 1',
    replacement: 'if (queue !== undefined) queue.assigned += 0',
    testFile: STORE_TEST,
    test: 'append: a record gets the end of the log and the next offset of its queue → both are gapless',
  },
  {
    name: 'Queue offsets start over after a restart',
    file: 'packages/store/src/consume-queue/consume-queue.ts',
    text: 'this.assigned = max\n',
    replacement: 'this.assigned = min\n',
    testFile: 'packages/store/test/restart.test.ts',
    test: 'restart: stopped in order → the next message of a queue gets the next offset',
  },
  {
    name: 'Queue offsets of damaged records are given out again',
    file: 'packages/store/src/queue-builder.ts',
    text: '      if (queue.max < max) {',
    replacement: '      if (queue.max < 0) {',
    testFile: 'packages/store/test/damage.test.ts',
    test: 'damage: the last records below F → their offsets are not given out again',
  },
  {
    name: 'The queues of a topic survive its deletion',
    file: 'services/broker/src/settings-writer.ts',
    text: '      deps.dropQueues(name)\n',
    replacement: '',
    testFile: BROKER_TEST,
    test: 'deleted topic: made again → offsets restart at 0, nothing old is delivered, also after a kill',
  },
  {
    name: 'Recovery keeps the queues of an older incarnation',
    file: 'packages/store/src/restore.ts',
    text: 'ended.push(...builder.endTopic(topic, record.position))',
    replacement: 'ended.push(...[topic, record].slice(2))',
    testFile: BROKER_TEST,
    test: 'deleted topic: made again → offsets restart at 0, nothing old is delivered, also after a kill',
  },
  {
    name: 'The origin of a dead-letter copy is not applied at replay',
    file: 'services/broker/src/restore.ts',
    text: "deps.inflight.applyOrigin(origin, isLastTopic(record.topic) ? 'dead' : 'scheduled')",
    replacement: 'false',
    testFile: BROKER_TEST,
    test: 'kill: between the dead-letter copy and anything else → the copy has settled its origin, there is one copy',
  },
  {
    name: 'A copy whose topic is told of behind it takes no handle over',
    file: 'services/broker/src/restore.ts',
    text: '  if (isLastTopic(record.topic)) return []\n',
    replacement: '  if (isLastTopic(record.topic) || deps.topics.get(record.topic) === undefined) return []\n',
    testFile: 'services/broker/test/pop/survivors.test.ts',
    test: 'survivors: a copy is the first record of the log, the start cache lost → the handle of the origin acts on it',
  },
]
