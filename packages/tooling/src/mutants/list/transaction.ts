// Transactions: what is decided stays so, what is rolled back is never seen, and a crash decides nothing twice.
import type { Mutant } from '../mutant.ts'

const TRANSACTIONS = 'services/broker/src/transaction/transactions.ts'
const TRANSACTIONS_TEST = 'services/broker/test/transaction/transactions.test.ts'

export const TRANSACTION_MUTANTS: readonly Mutant[] = [
  {
    name: 'A decision leaves its half message undecided',
    file: TRANSACTIONS,
    text: '    settle(pending, into)\n',
    replacement: '',
    testFile: TRANSACTIONS_TEST,
    test: 'transaction: ended again, either way → a success that changes nothing',
  },
  {
    name: 'What is rolled back is stored in its topic',
    file: TRANSACTIONS,
    text: "    if (decision === 'commit') {",
    replacement: '    if (half.realTopic.length > 0) {',
    testFile: TRANSACTIONS_TEST,
    test: 'transaction: rolled back → never consumed, never asked about, and counted',
  },
  {
    name: 'A commit goes into a topic that was made after its half message',
    file: TRANSACTIONS,
    text: ' || topic.incarnation > record.commitLogOffset',
    replacement: '',
    testFile: TRANSACTIONS_TEST,
    test: 'transaction: its topic was deleted → the commit is refused, and nothing comes back with a new topic',
  },
  {
    name: 'A start does not look for commits that a crash has cut off',
    file: TRANSACTIONS,
    text: "if (commits.has(place.commitLogOffset)) settle(pending, 'acked')",
    replacement: "if (commits.has(-1)) settle(pending, 'acked')",
    testFile: 'services/broker/test/transaction/crash.test.ts',
    test: 'torn Turn: the commit is in the log and its journal record is not → committed once',
  },
  {
    name: 'The time that a message gives its producer is not kept',
    file: TRANSACTIONS,
    text: 'popTime, popTime + immunityMs)',
    replacement: 'popTime, popTime + settings.immunityMs)',
    testFile: TRANSACTIONS_TEST,
    test: 'check: the message says how long its producer has → asked then, sooner or later than the setting',
  },
]
