// Clients are known wherever their proxy is, hear what changed, and nobody answers for another one; messages of one send
// do not stand in for each other.
import type { Mutant } from '../mutant.ts'

const TABLE_TEST = 'services/broker/test/clients/client-table.test.ts'
const COMMANDS_TEST = 'services/broker/test/clients/client-commands.test.ts'
const CLUSTER_TEST = 'packages/testkit/test/cluster/client-commands.test.ts'
const ROSTER_TEST = 'services/proxy/test/upstream/roster.test.ts'
const GROUPS_TEST = 'services/proxy/test/messaging/groups.test.ts'
const SEND_TEST = 'services/proxy/test/rpc/send-message.test.ts'

export const CLIENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'A proxy loses its clients with a connection that it had left',
    file: 'services/broker/src/clients/client-table.ts',
    text: 'if (proxies.get(id) === proxy && proxy.peer === peer) drop(proxy)',
    replacement: 'if (proxies.get(id) === proxy) drop(proxy)',
    testFile: TABLE_TEST,
    test: 'client table: the connection of a proxy ends → its clients are gone; one that it left before ends → they stay',
  },
  {
    name: 'Clients of a proxy that fell silent stay for ever',
    file: 'services/broker/src/clients/client-table.ts',
    text: 'if (proxy.heardMs < silentSince) drop(proxy)',
    replacement: 'if (proxy.heardMs < -silentSince) drop(proxy)',
    testFile: TABLE_TEST,
    test: 'client table: a proxy is silent → its clients are gone after the time, not before',
  },
  {
    name: 'A broker that lost what it was told is not told again',
    file: 'services/proxy/src/upstream/roster.ts',
    text: '      listener.at = FROM_START\n',
    replacement: '',
    testFile: ROSTER_TEST,
    test: 'roster: a broker comes, or lost what it was told → it knows all within a period',
  },
  {
    name: 'Whoever names the nonce answers for another client',
    file: 'services/proxy/src/sessions/commands.ts',
    text: 'if (arm === null || waiting.get(arm.nonce)?.clientId !== clientId) return',
    replacement: 'if (arm === null || clientId === undefined) return',
    testFile: CLUSTER_TEST,
    test: 'stack: another client answers with the same nonce → not taken for an answer',
  },
  {
    name: 'A change of settings is told to proxies also when nothing changed',
    file: 'services/broker/src/settings-writer.ts',
    text: '} else if (stringifyJavaJson(known) !== payload) {',
    replacement: '} else {',
    testFile: COMMANDS_TEST,
    test: 'SETTINGS_CHANGED: a topic or group changes → every proxy hears of it when it holds; the same again → nobody',
  },
  {
    name: 'A change of settings that comes while they are asked for is missed',
    file: 'services/proxy/src/messaging/groups.ts',
    text: 'void Promise.resolve(entry.fetching).then(() => fetch(group, entry))',
    replacement: 'void fetch(group, entry)',
    testFile: GROUPS_TEST,
    test: 'groups: a change while the question is under way → asked again, since the answer may be the old one',
  },
  {
    name: 'What comes behind a refused message of its group overtakes it',
    file: 'services/proxy/src/rpc/send-message.ts',
    text: 'if (!isWhole) refuseBehind(messages, refusals)\n',
    replacement: '\n',
    testFile: SEND_TEST,
    test: 'send: several, %s → an entry each, and only what is good is stored',
  },
]
