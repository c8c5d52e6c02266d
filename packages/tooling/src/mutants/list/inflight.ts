// An acknowledged message is settled once and for all, every other one comes again.
import type { Mutant } from '../mutant.ts'

const CORE_TEST = 'services/broker/test/inflight/inflight.test.ts'
const EXPIRY_TEST = 'services/broker/test/inflight/expiry.test.ts'
const REPLAY_TEST = 'services/broker/test/inflight/journal/replay.test.ts'
const POP_TEST = 'services/broker/test/pop/pop.test.ts'

export const INFLIGHT_MUTANTS: readonly Mutant[] = [
  {
    name: 'An ack is not journaled',
    file: 'services/broker/src/inflight/inflight.ts',
    text: '      journal.ack(live(queue), block, bit, popTime)\n',
    replacement: '',
    testFile: 'services/broker/test/restart.test.ts',
    test: 'kill: pops and acks answered before it hold → acked ones do not come again, popped ones stay invisible',
  },
  {
    name: 'A handle with another pop time is accepted',
    file: 'services/broker/src/inflight/transitions.ts',
    text: ' && entries.popTime[slot] === popTime ? slot : -1',
    replacement: ' && popTime >= 0 ? slot : -1',
    testFile: POP_TEST,
    test: 'ack: a handle whose time is over and whose message was delivered again → no effect on the new delivery',
  },
  {
    name: 'The low mark passes an unsettled message of a split batch',
    file: 'services/broker/src/inflight/entries.ts',
    text: 'mask |= this.mask[slot]!',
    replacement: 'mask = this.mask[slot]!',
    testFile: 'services/broker/test/inflight/low-mark.test.ts',
    test: 'low mark: the messages of a batch diverged → the lowest of all its parts',
  },
  {
    name: 'The low mark passes the lowest unsettled message',
    file: 'services/broker/src/inflight/entries.ts',
    text: 'return block * BLOCK + lowestBit(mask)',
    replacement: 'return block * BLOCK + 31 - Math.clz32(mask)',
    testFile: CORE_TEST,
    test: 'ack: the low mark follows the first offset that is not settled, whatever the order of the acks',
  },
  {
    name: 'The deadline of a popped message is forgotten',
    file: 'services/broker/src/inflight/transitions.ts',
    text: '      entries.deadlines.push(slot)\n      ledger.addMask(',
    replacement: '      ledger.addMask(',
    testFile: POP_TEST,
    test: 'expiry: the invisible time passes without an ack → delivered again in place, its attempt counted',
  },
  {
    name: 'Deadlines are forgotten over a restart from the start cache',
    file: 'services/broker/src/inflight/transitions.ts',
    text: '      if (entry.ready) continue\n      entries.deadlines.push(slot)\n',
    replacement: '      if (entry.ready) continue\n',
    testFile: 'services/broker/test/inflight/snapshot.test.ts',
    test: 'snapshot: restored → what was in flight is due at its deadline, earliest first',
  },
  {
    name: 'An expiry does not count the attempt',
    file: 'services/broker/src/inflight/transitions.ts',
    text: 'Math.min(entries.attempts[target]! + 1, ATTEMPTS_MAX)',
    replacement: 'Math.min(entries.attempts[target]!, ATTEMPTS_MAX)',
    testFile: EXPIRY_TEST,
    test: 'attempts: each delivery after an expiry counts one more, up to the group’s maximum',
  },
  {
    name: 'A dead-letter copy is made before its pop is in the log',
    file: 'services/broker/src/inflight/expiry.ts',
    text: '} else if (entries.fresh[slot] === 1) {',
    replacement: '} else if (entries.fresh[slot] === 2) {',
    testFile: EXPIRY_TEST,
    test: 'dead letters: popped in this very Turn → due in the next one, so that its copy stands behind its pop',
  },
  {
    name: 'A dead letter is copied although it was acknowledged meanwhile',
    file: 'services/broker/src/inflight/inflight.ts',
    text: 'return slot >= 0 && entries.kind[slot] === EntryKind.deadPending',
    replacement: 'return slot >= -1 && EntryKind.deadPending > 0',
    testFile: EXPIRY_TEST,
    test: 'dead letters: acknowledged while its copy was prepared → no longer pending, no copy',
  },
  {
    name: 'Records of an older incarnation act on the new topic',
    file: 'services/broker/src/inflight/queue-registry.ts',
    text: 'return topic?.incarnation === ref.incarnation ? topic.groups',
    replacement: 'return topic !== undefined ? topic.groups',
    testFile: REPLAY_TEST,
    test: 'journal: operations and copies of an older incarnation → ignored, even where they would fit the new topic',
  },
  {
    name: 'Handles of messages that vanished with the tail act on new ones',
    file: 'services/broker/src/inflight/transitions.ts',
    text: '    queue.cursor = max\n    this.popTimeFloor = Math.max(this.popTimeFloor, this.popTimeMax)\n',
    replacement: '    queue.cursor = max\n',
    testFile: 'services/broker/test/inflight/bounds.test.ts',
    test: 'clamp: offsets that are given to new messages → handles of the vanished ones act on nothing',
  },
  {
    name: 'A segment roll leaves a state out',
    file: 'services/broker/src/inflight/roll.ts',
    text: 'if (!queue.dropped) chosen.push(queue)',
    replacement: 'if (!queue.dropped && next > 1) chosen.push(queue)',
    testFile: REPLAY_TEST,
    test: 'roll: states are rewritten, a few per Turn → the segments before are not needed any more',
  },
  {
    name: 'The roll says complete before its last state',
    file: 'services/broker/src/inflight/roll.ts',
    text: 'if (bytes > 0 && bytes + estimate > bytesMax) return false',
    replacement: 'if (bytes > 0 && bytes + estimate > bytesMax) break',
    testFile: REPLAY_TEST,
    test: 'roll: states are rewritten, a few per Turn → the segments before are not needed any more',
  },
  {
    name: 'A snapshot has what changed while it was taken',
    file: 'services/broker/src/inflight/transitions.ts',
    text: '    if (queue.imagePlace >= 0) this.image!.take(queue)\n',
    replacement: '',
    testFile: 'services/broker/test/inflight/snapshot.test.ts',
    test: 'snapshot: %s while it is taken → is not in it, and the next one has it',
  },
]
