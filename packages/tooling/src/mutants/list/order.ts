// Messages in order: none comes before those that it is behind, and what is held up goes on as soon as it may.
import type { Mutant } from '../mutant.ts'

const FIFO_TEST = 'services/broker/test/pop/fifo.test.ts'
const GROUP_TEST = 'services/broker/test/pop/fifo-by-message-group.test.ts'
const BOUND_TEST = 'services/broker/test/pop/look-ahead.test.ts'
const LINES = 'services/broker/src/inflight/message-lines.ts'
const TAKE = 'services/broker/src/pop/take-messages.ts'
const TRANSITIONS = 'services/broker/src/inflight/transitions.ts'

export const ORDER_MUTANTS: readonly Mutant[] = [
  {
    name: 'A queue in order is not held up by what is with somebody',
    file: TAKE,
    text: '    if (inOrder && !inflight.isFree(queue)) return []\n',
    replacement: '',
    testFile: FIFO_TEST,
    test: 'fifo: a batch is with somebody → nothing else of its queue, until the last of it is acknowledged',
  },
  {
    name: 'A topic in order does not wait for what retention has moved',
    file: TAKE,
    text: 'if (!request.retries.some((each) => isOpen(deps, request.group, each))) takeFrom(request)',
    replacement: 'takeFrom(request)',
    testFile: FIFO_TEST,
    test: 'fifo by %s: a topic rule takes what is with somebody → the topic waits until the copy in the retry topic is settled',
  },
  {
    name: 'Released messages in order come as they were released',
    file: 'services/broker/src/inflight/inflight.ts',
    text: 'return pop.inOrder === true ? popLowest(inOrder, live(queue), pop) : popReady(live(queue), pop)',
    replacement: 'return popReady(live(queue), pop)',
    testFile: FIFO_TEST,
    test: 'fifo: messages released out of order → come again in order, all of them before later ones',
  },
  {
    name: 'A lost answer counts as an attempt of its batch',
    file: 'services/broker/src/inflight/by-message-group.ts',
    text: 'const batch = queue.batches.find((known) => known.attemptId === attemptId)',
    replacement: 'const batch = queue.batches.find((known) => known.attemptId !== attemptId)',
    testFile: GROUP_TEST,
    test: 'fifo by message group: the same attempt asks again → its own batch, not those of others, and nothing is counted',
  },
  {
    name: 'A message group with somebody gives more',
    file: LINES,
    text: 'return (this.#lines.get(group)?.inFlight ?? 0) === 0',
    replacement: 'return this.#lines.get(group) !== null',
    testFile: 'services/broker/test/inflight/by-message-group.property.test.ts',
    test: 'by message group: any history → the lowest messages of groups that nobody has, or the same batch again, counted right, and a crash changes none of it',
  },
  {
    name: 'What a message group has passed is forgotten by a crash',
    file: 'services/broker/src/inflight/by-message-group.ts',
    text: '      journal.park(target, visited, windows, damaged)\n',
    replacement: '',
    testFile: GROUP_TEST,
    test: 'fifo by message group: power loss %s → what was held up is so, by whom is known, and what waited goes on',
  },
  {
    name: 'Batches of attempts are not in the states',
    file: 'services/broker/src/inflight/state-record.ts',
    text: '    for (const batch of batches) writeBatch(out, batch)\n',
    replacement: '    for (const batch of batches) writeBatch(out, { ...batch, attemptId: `${batch.attemptId}?` })\n',
    testFile: GROUP_TEST,
    test: 'fifo by message group: an orderly stop → the batches are in the states that the next start reads',
  },
  {
    name: 'Nobody is woken when a message group may go on',
    file: TRANSITIONS,
    text: '    if (isFree === true && (isReady || queue.inFlight > 0)) this.onFree(queue)\n',
    replacement: '',
    testFile: GROUP_TEST,
    test: 'fifo by message group: a pop waits while all groups are held up → the acknowledgement of one wakes it',
  },
  {
    name: 'The look-ahead has no bound of messages',
    file: LINES,
    text: 'Math.min(LOOK_AHEAD_OFFSETS_MAX - size, ofBroker)',
    replacement: 'ofBroker',
    testFile: BOUND_TEST,
    test: 'look-ahead: %s messages wait behind one of their group → another one comes: %s',
  },
  {
    name: 'The look-ahead has no bound of bytes',
    file: LINES,
    text: 'bytes: Math.max(0, LOOK_AHEAD_BYTES_MAX - this.#waitingBytes)',
    replacement: 'bytes: LOOK_AHEAD_BYTES_MAX',
    testFile: BOUND_TEST,
    test: 'look-ahead: held up at the bound → the next message that leaves is told, and what is behind comes',
  },
  {
    name: 'A message of a group is sent though the one before it failed',
    file: 'services/proxy/src/messaging/send.ts',
    text: "      if (before?.kind === 'failed') return before\n",
    replacement: '',
    testFile: 'services/proxy/test/rpc/send-message.test.ts',
    test: 'send: a message of a group fails → those of its group behind it are not sent, those of other groups are',
  },
  {
    name: 'A dead letter of a message group is sent to another queue than its group',
    file: 'packages/cli/src/commands/dlq-resend.ts',
    text: '      return groups.of(messageGroup)\n',
    replacement: '      return groups.of(`not ${messageGroup}`)\n',
    testFile: 'packages/cli/test/commands/dlq.test.ts',
    test: 'dlq resend: one of a message group → to the queue where all of its group are',
  },
]
