// Delayed messages: none comes early, none twice, none that was recalled, and none is left out by what another broker reads.
import type { Mutant } from '../mutant.ts'

const TIMERS = 'services/broker/src/delay/timers.ts'
const TIMERS_TEST = 'services/broker/test/delay/timers.test.ts'
const EXCHANGE_TEST = 'services/broker/test/delay/apache-progress.test.ts'
const RECALL_TEST = 'recall: before its time → never had, also after a crash; the second one is refused'

export const DELAY_MUTANTS: readonly Mutant[] = [
  {
    name: 'Delayed messages come early with one that is due',
    file: TIMERS,
    text: 'index.due(clock.nowMs(), ',
    replacement: 'index.due(clock.nowMs() + 600, ',
    testFile: TIMERS_TEST,
    test: 'delay: one is due while another has half a second left → only the first is there; the figures say so',
  },
  {
    name: 'The copy of a delayed message does not say what it ends',
    file: 'services/broker/src/delay/due-copy.ts',
    text: "(kept, PROPERTIES_BYTES_MAX - own.length) + own, 'latin1')",
    replacement: "(kept, PROPERTIES_BYTES_MAX - own.length), 'latin1')",
    testFile: TIMERS_TEST,
    test: 'delay: %s before the time → had after it, once, overdue ones at once',
  },
  {
    name: 'A delayed message comes into a topic that was made after it',
    file: TIMERS,
    text: 'found !== undefined && found.incarnation <= Math.max(position, restored.adoptedTo)',
    replacement: 'found !== undefined && position >= 0',
    testFile: TIMERS_TEST,
    test: 'delay: the topic is deleted before the time, also when it is there again → dropped',
  },
  {
    name: 'A recalled message is delivered',
    file: 'services/broker/src/delay/recall-message.ts',
    text: "      index.remove(entry, 'recalled')\n",
    replacement: '',
    testFile: TIMERS_TEST,
    test: RECALL_TEST,
  },
  {
    name: 'A crash forgets a recall',
    file: 'services/broker/src/delay/timer-records.ts',
    text: "index.replayRemoved(origin, 'recalled')",
    replacement: 'void origin',
    testFile: TIMERS_TEST,
    test: RECALL_TEST,
  },
  {
    name: 'What retention moves of delayed messages comes twice',
    file: 'services/broker/src/delay/move-timers.ts',
    text: "  index.remove(entry, 'moved')\n",
    replacement: '',
    testFile: 'services/broker/test/delay/move-timers.test.ts',
    test: 'retention: files with delayed messages go and the broker %s → each is had at its time, once',
  },
  {
    name: 'Apache is told to begin behind the first pending message',
    file: 'services/broker/src/delay/apache-progress.ts',
    text: '(await this.#positionOf(middle)) < lowest',
    replacement: '(await this.#positionOf(middle)) <= lowest',
    testFile: EXCHANGE_TEST,
    test: 'stop: the first pending message, and how far the levels are → told to Apache; without delays nothing is',
  },
  {
    name: "What is in the slot that Apache's broker reads next counts as delivered",
    file: 'services/broker/src/delay/adopt-timers.ts',
    text: 'dueMs < progress.readMs',
    replacement: 'dueMs <= progress.readMs',
    testFile: EXCHANGE_TEST,
    test: 'a folder with a timer of Apache → its files go, what is pending is told; back and forth it comes once',
  },
  {
    name: 'The index that is built again lacks what was sent before',
    file: 'services/broker/src/delay/rebuild-timers.ts',
    text: 'if (record.position < end)',
    replacement: 'if (record.position >= end)',
    testFile: 'services/broker/test/delay/rebuild-timers.test.ts',
    test: 'runs are damaged while the broker runs → the index is built again from the log, and each comes once, in time',
  },
]
