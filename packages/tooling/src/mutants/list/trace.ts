// What became of a message is told whole, and of that message alone; a dead letter is sent again once.
import type { Mutant } from '../mutant.ts'

const TRACE_TEST = 'services/broker/test/trace/trace-message.test.ts'
const DLQ_TEST = 'packages/cli/test/commands/dlq.test.ts'
const QUERY_TEST = 'packages/cli/test/commands/message-query.test.ts'

export const TRACE_MUTANTS: readonly Mutant[] = [
  {
    name: 'A trace tells what happened to the neighbours of a message, too',
    file: 'services/broker/src/trace/message-sink.ts',
    text: 'return block === this.#block && (mask & this.#bit) !== 0',
    replacement: 'return block === this.#block && mask !== 0',
    testFile: TRACE_TEST,
    test: 'trace: several groups and messages → each its own, nothing of its neighbours',
  },
  {
    name: 'A trace ends where one answer does',
    file: 'services/broker/src/trace/trace-message.ts',
    text: 'return { cursor: unit.queueOffset, readToMs, readBytes }',
    replacement: 'return { cursor: -1, readToMs, readBytes }',
    testFile: TRACE_TEST,
    test: 'trace: more journal than one answer reads → it says where to go on, and nothing is missed',
  },
  {
    name: 'A trace of sync mode misses what was not flushed yet',
    file: 'services/broker/src/trace/trace-message.ts',
    text: '      await store.whenFlushed(store.positions.written)\n',
    replacement: '',
    testFile: TRACE_TEST,
    test: 'trace: another invisible time, given back, given up → prolonged, released, dead',
  },
  {
    name: 'A client is named in the first record of the journal alone',
    file: 'services/broker/src/inflight/journal/encode.ts',
    text: "    this.#toldClient = ''\n    this.#out.rewind()\n",
    replacement: '    this.#out.rewind()\n',
    testFile: TRACE_TEST,
    test: 'trace: who got it → the client that a proxy names, else the address of who asked; cut where it is too long',
  },
  {
    name: 'Dead letters of other topics count as copies when their keys are the same',
    file: 'packages/cli/src/commands/message-copies.ts',
    text: 'if (told !== undefined) return told === topic',
    replacement: 'if (told !== undefined) return true',
    testFile: QUERY_TEST,
    test: 'message query: another topic has messages with the same key, and dead letters of them → they are no copies',
  },
  {
    name: 'A dead letter that was sent again is sent once more',
    file: 'packages/cli/src/commands/dlq-resend.ts',
    text: 'const isKnown = options.again !== true && (await isResent(session, brokers, letter))',
    replacement: 'const isKnown = false',
    testFile: DLQ_TEST,
    test: 'dlq resend: all, with a limit, then the rest → each once; a dry run before → nothing is sent',
  },
  {
    name: 'A dead letter is sent again under its old id',
    file: 'packages/cli/src/commands/dlq-resend.ts',
    text: '  all.set(PropertyName.UNIQ_KEY, messageId)\n',
    replacement: '',
    testFile: DLQ_TEST,
    test: 'dlq resend: one by its id → its topic gets it under a new id, with its properties and the origin; again → skipped',
  },
  {
    name: 'A pull answers a consumer as if nothing were there',
    file: 'services/broker/src/queries/pull-message.ts',
    text: '(sysFlag & (PullFlag.SUSPEND | PullFlag.COMMIT_OFFSET)) !== 0',
    replacement: '(sysFlag & PullFlag.COMMIT_OFFSET) !== 0',
    testFile: 'services/broker/test/queries/pull-message.test.ts',
    test: 'pull: as a consumer asks, with a filter, for nothing → refused, not answered as if it were something else',
  },
]
