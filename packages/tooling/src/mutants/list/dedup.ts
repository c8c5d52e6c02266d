// Messages that are stored once, and those that stay together in one queue.
import type { Mutant } from '../mutant.ts'

const DUPLICATES = 'services/broker/src/dedup/duplicates.ts'
const DUPLICATES_TEST = 'services/broker/test/dedup/duplicates.test.ts'
const SEND = 'services/proxy/src/messaging/send.ts'
const SEND_TEST = 'services/proxy/test/rpc/send-message.test.ts'

export const DEDUP_MUTANTS: readonly Mutant[] = [
  {
    name: 'What was sent before a start is forgotten',
    file: DUPLICATES,
    text: "      const from = max === 0 ? 0 : await store.searchOffset(queue, fromMs, 'LOWER')\n",
    replacement: '      const from = max\n',
    testFile: DUPLICATES_TEST,
    test: 'duplicates: %s in between → the place of the first one all the same',
  },
  {
    name: 'What is not flushed yet is left out when a topic begins to remember',
    file: DUPLICATES,
    text: '    await store.whenFlushed(store.positions.written)\n',
    replacement: '',
    testFile: DUPLICATES_TEST,
    test: 'duplicates: a topic begins to remember while a message is not flushed yet → that one counts, too',
  },
  {
    name: 'A topic that was made anew remembers what the one before had',
    file: DUPLICATES,
    text: 'if (known !== undefined && isSame && known.incarnation === topic.incarnation) return known',
    replacement: 'if (known !== undefined && isSame) return known',
    testFile: DUPLICATES_TEST,
    test: 'duplicates: a topic is made anew with the same window → nothing of the one before is remembered',
  },
  {
    name: 'A message is remembered longer than its window',
    file: 'services/broker/src/dedup/dedup-window.ts',
    text: '    if (this.#storedMs[at]! + this.#windowMs <= nowMs) return undefined\n',
    replacement: '',
    testFile: DUPLICATES_TEST,
    test: 'duplicates: sent again behind the window → stored once more, and that one is remembered',
  },
  {
    name: 'A message group moves while its broker is away',
    file: SEND,
    text: '    if (set === undefined) return turnOf(route).queues\n',
    replacement: '    return turnOf(route).queues\n',
    testFile: SEND_TEST,
    test: 'send: a broker of a topic with an order is in no route → its groups wait for it, the others stay where they were',
  },
]
