// What goes, goes for good and with a right to; what stays is whole and known to the next start.
import type { Mutant } from '../mutant.ts'

const STORE_TEST = 'packages/store/test/retention/retention.test.ts'
const HOLDS_TEST = 'packages/store/test/retention/holds.test.ts'
const TOPIC_TEST = 'packages/store/test/retention/topic-rules.test.ts'
const BROKER_TEST = 'services/broker/test/retention.test.ts'

export const RETENTION_MUTANTS: readonly Mutant[] = [
  {
    name: 'A file goes before the states that live are complete behind it',
    file: 'services/broker/src/retention.ts',
    text: '    await deps.stateRoll.completeFrom(limit)\n',
    replacement: '',
    testFile: BROKER_TEST,
    test: 'age: the segment that stays has no states of its own yet → they are written before older files go',
  },
  {
    name: 'Groups are not told that what they have not settled is gone',
    file: 'services/broker/src/retention.ts',
    text: '      if (inflight.lowMark(queue) < min) inflight.retain(queue, min)\n    }\n    enter()\n',
    replacement: '    }\n    enter()\n',
    testFile: BROKER_TEST,
    test: 'age: files of old messages go → groups go on at the new min, what was in flight in their retry topic, the rest counts as expired',
  },
  {
    name: 'A group points below the min of its queue after a start',
    file: 'services/broker/src/restore.ts',
    text: '    if (deps.inflight.lowMark(queue) < min) deps.inflight.retain(queue, min)\n',
    replacement: '',
    testFile: BROKER_TEST,
    test: 'topic rule: the power goes right after a min has moved → no group points below it after the start',
  },
  {
    name: 'Nothing can be copied out of the files of a disk that is over its mark',
    file: 'services/broker/src/pop/copies.ts',
    text: 'store.append(record, { copy: true })',
    replacement: 'store.append(record)',
    testFile: BROKER_TEST,
    test: 'disk: 0.91 → sends get SERVICE_NOT_AVAILABLE, consuming and changes of topics go on; 0.5 → sends again',
  },
  {
    name: 'The last file of the log goes, too',
    file: 'packages/store/src/retention/retention.ts',
    text: 'base < end &&',
    replacement: 'base <= end &&',
    testFile: STORE_TEST,
    test: 'age: the last message of a file is older than fileReservedTime → the file goes, min offsets follow, the last file stays',
  },
  {
    name: 'Age is that of the first message of a file',
    file: 'packages/store/src/retention/segment-age.ts',
    text: 'if (isRecord) last = peek',
    replacement: 'if (isRecord) last ??= peek',
    testFile: STORE_TEST,
    test: 'age: it is that of the last message, not of the file → one young message keeps its file',
  },
  {
    name: 'A hold that is taken while files are prepared to go is forgotten',
    file: 'packages/store/src/retention/retention.ts',
    text: 'if (holds.all().some(({ position }) => position < limit) || stopped) return',
    replacement: 'if (stopped) return',
    testFile: HOLDS_TEST,
    test: 'a hold that is taken while the owner prepares → what it needs stays',
  },
  {
    name: 'A removed file is not removed durably',
    file: 'packages/store/src/commit-log/segment.ts',
    text: '      await files.syncFolder(folder)\n      retired.shift()\n',
    replacement: '      retired.shift()\n',
    testFile: STORE_TEST,
    test: 'power loss: behind the last removal, and no checkpoint is left → no file comes back, nothing is missing in between',
  },
  {
    name: 'The mins of queues are seen before a checkpoint holds them',
    file: 'packages/store/src/retention/retention.ts',
    text: '    await saveMins()\n    for (const queue of moved) queue.min = queue.nextMin\n',
    replacement:
      '    for (const queue of moved) queue.min = queue.nextMin\n    deps.onMinMoved()\n    await saveMins()\n',
    testFile: TOPIC_TEST,
    test: 'topic rules: the power goes when a min is seen to move → it does not move back',
  },
  {
    name: 'A queue that is built again has the messages back that its topic has passed',
    file: 'packages/store/src/queue-builder.ts',
    text: '      queue.min = Math.max(queue.min, min)\n',
    replacement: '',
    testFile: TOPIC_TEST,
    test: 'topic rules: the files of a queue are lost → its queue is built again, and begins where it did',
  },
]
