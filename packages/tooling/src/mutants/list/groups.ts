// Groups go on where they are told to, keep nothing from before, and are told of what they may not or do wrong.
import type { Mutant } from '../mutant.ts'

const RESET = 'services/broker/src/inflight/reset.ts'
const RESET_REQUEST = 'services/broker/src/offsets/reset-offset.ts'
const RESET_TEST = 'services/broker/test/offsets/reset-offset.test.ts'

export const GROUP_MUTANTS: readonly Mutant[] = [
  {
    name: 'Pop times from before a reset are given again, so that old handles may act',
    file: RESET,
    text: 'transitions.popTimeFloor = Math.max(transitions.popTimeFloor, transitions.popTimeMax)\n',
    replacement: '',
    testFile: 'services/broker/test/inflight/inflight.property.test.ts',
    test: 'in-flight: any history → the core agrees with the reference, the ledger adds up, the log gives an equal core',
  },
  {
    name: 'What a reset passes over is forgotten by the ledger',
    file: RESET,
    text: 'ledger.addMask(BucketId.skipped, block * BLOCK, mask & below)\n',
    replacement: '',
    testFile: RESET_TEST,
    test: 'reset: forward over messages in flight and ready → they count as skipped, and do not come again',
  },
  {
    name: 'A group in order keeps the batches of its attempts over a reset',
    file: RESET,
    text: "  queue.attemptId = ''\n  queue.batches = []\n",
    replacement: '',
    testFile: 'services/broker/test/inflight/reset.test.ts',
    test: 'reset: the attempts of a queue in order → forgotten, and so is its block',
  },
  {
    name: 'A reset is in memory only',
    file: 'services/broker/src/inflight/inflight.ts',
    text: 'journal.reset(live(queue), to)\n',
    replacement: '',
    testFile: RESET_TEST,
    test: 'reset: answered, then a crash with power loss %s → it holds',
  },
  {
    name: 'A reset is answered before it is flushed',
    file: RESET_REQUEST,
    text: "turns.release('flushed',",
    replacement: "turns.release('written',",
    testFile: RESET_TEST,
    test: 'reset: the power fails before the flush → it was not answered, and the group is where it was or where it was to go',
  },
  {
    name: 'Pops that wait hear nothing of a reset',
    file: RESET_REQUEST,
    text: 'polling.lookAgain(topicName, group)\n',
    replacement: '',
    testFile: RESET_TEST,
    test: 'reset: several pops wait → each of them looks again',
  },
  {
    name: 'A reset may go two beyond the end',
    file: RESET_REQUEST,
    text: 'offset <= max + 1',
    replacement: 'offset <= max + 2',
    testFile: RESET_TEST,
    test: 'reset: what is asked for, at the bounds → its code',
  },
  {
    name: 'Pops that wait for a group that is switched off wait on',
    file: 'services/broker/src/groups/group-requests.ts',
    text: 'deps.polling.lookAgain(topic, asked.groupName)',
    replacement: 'void topic',
    testFile: 'services/broker/test/groups/group-requests.test.ts',
    test: 'consume enable: switched off → pops are refused, those that wait at once, and acks are taken',
  },
  {
    name: 'Clients of a group without a bound of attempts are told of none',
    file: 'services/proxy/src/messaging/retry-delays.ts',
    text: 'return retryMax < 0 ? ATTEMPTS_UNBOUNDED : Math.min(',
    replacement: 'return Math.min(',
    testFile: 'services/proxy/test/messaging/retry-delays.test.ts',
    test: 'attempts: a group with retryMaxTimes %s → clients are told %s',
  },
  {
    name: 'The order of tags makes subscriptions differ',
    file: 'packages/model/src/subscriptions.ts',
    text: "tag !== ''))].sort().join(",
    replacement: "tag !== ''))].join(",
    testFile: 'packages/model/test/subscriptions.test.ts',
    test: 'subscriptions: two spellings of %s → the same text',
  },
  {
    name: 'Clients that are gone count as subscribed for ever',
    file: 'services/broker/src/clients/client-table.ts',
    text: 'watch?.removed(client.entry)\n',
    replacement: '',
    testFile: 'services/broker/test/clients/group-subscriptions.test.ts',
    test: 'subscriptions: proxies tell of clients that differ → one line of the log, a metric, and nothing when they are gone',
  },
]
