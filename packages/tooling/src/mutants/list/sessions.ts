// Sessions outlive what they go through: a connection that is lost without a word is noticed, and one that hangs is not
// given up.
import type { Mutant } from '../mutant.ts'

const PEERS = 'packages/cluster-client/src/peer-source.ts'
const PEERS_TEST = 'packages/cluster-client/test/peer-source.test.ts'

export const SESSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'A connection that was lost without a word is used for ever',
    file: PEERS,
    text: "if (slot?.kind !== 'open' || slot.peer.liveness === 'silent') return undefined",
    replacement: "if (slot?.kind !== 'open') return undefined",
    testFile: 'packages/testkit/test/cluster/client-sessions.test.ts',
    test: 'clients: connections of proxy and broker fall silent for ever → consumption goes on over new ones',
  },
  {
    name: 'A connection that only holds polls is not watched',
    file: PEERS,
    text: "      if (slot.peer.liveness === 'quiet') probe(slot.peer)\n",
    replacement: '',
    testFile: 'packages/cluster-client/test/peer-source.test.ts',
    test: 'peer source: polls are held and nothing comes → probed twice a second, until something comes',
  },
  {
    name: 'What waits on a side that only hangs is given up',
    file: PEERS,
    text: "if (slot.peer.liveness === 'new') return\n",
    replacement: '',
    testFile: PEERS_TEST,
    test: 'peer source: a peer that is silent → replaced, and what waits on it goes on',
  },
  {
    name: 'What waits on a lost connection is not given up when the other side is well',
    file: PEERS,
    text: "closeAll(formers.filter(({ liveness }) => liveness === 'silent'))\n",
    replacement: '',
    testFile: PEERS_TEST,
    test: 'peer source: a new peer is answered for a second, the former one is silent still → the former one is closed',
  },
  {
    name: 'A poll that is held makes its connection silent',
    file: 'packages/remoting/src/transport/pending-requests.ts',
    text: 'Math.max(QUIET_MS, timeoutMs - OVERDUE_BEFORE_MS)',
    replacement: 'QUIET_MS',
    testFile: 'packages/remoting/test/transport/server.test.ts',
    test: 'connection: a poll is held, and nothing else is asked → quiet until its answer is overdue',
  },
]
