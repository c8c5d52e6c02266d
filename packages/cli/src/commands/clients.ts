// What the client commands share: clients as all brokers together know them, each once, and what a command to one ends with.
import type { ClientAnswer } from '@rocketmq-ts/cluster-client'
import type { ListClientsHeader, ListedClient } from '@rocketmq-ts/remoting'
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'
import { compareText, countText } from '../output/text.ts'
import type { BrokerAddress, Scope } from '../session.ts'
import { askAll } from './ask-all.ts'

export type ClusterOption = Pick<Scope, 'cluster'>

/** A client at the proxy that reaches it, and all proxies that have it. */
export interface FoundClient extends ListedClient {
  /** Brokers that know it, the first of them is asked to pass something on. */
  readonly brokers: readonly BrokerAddress[]
  readonly proxies: readonly string[]
}

export interface FoundClients {
  /** By group, then by id. */
  readonly clients: readonly FoundClient[]
  /** Some broker did not answer. */
  readonly failed: boolean
}

/** Asks all brokers; what they leave out is said on standard error. */
export async function findClients(
  context: Context,
  scope: ClusterOption,
  header: ListClientsHeader,
): Promise<FoundClients> {
  const session = await context.session()
  const brokers = await session.masters(scope)
  const { answers, failed } = await askAll(context, brokers, (address) => session.brokers.clients(address, header))
  const found = new Map<string, FoundClient>()
  let leftOut = 0
  for (const { broker, value } of answers) {
    leftOut = Math.max(leftOut, value.total - value.clients.length)
    if (value.isFull) {
      context.printer.warning(`broker ${broker.brokerName} knows as many clients as it may: there may be others`)
    }
    for (const client of value.clients) found.set(client.clientId, together(found.get(client.clientId), client, broker))
  }
  if (leftOut > 0) {
    context.printer.warning(`${countText(leftOut, 'client')} more are there; choose with --group or --topic`)
  }
  const clients = [...found.values()].sort(
    (left, right) => compareText(left.group, right.group) || compareText(left.clientId, right.clientId),
  )
  return { clients, failed }
}

function together(known: FoundClient | undefined, client: ListedClient, broker: BrokerAddress): FoundClient {
  if (known === undefined) return { ...client, brokers: [broker], proxies: [client.proxy] }
  const brokers = known.brokers.includes(broker) ? known.brokers : [...known.brokers, broker]
  const proxies = known.proxies.includes(client.proxy)
    ? known.proxies
    : [...known.proxies, client.proxy].sort(compareText)
  // A proxy where it has a stream tells what it is now.
  const shown = client.isReachable && !known.isReachable ? client : known
  return { ...shown, brokers, proxies, sinceMs: Math.min(known.sinceMs, client.sinceMs) }
}

/** Rejects with CliFailure 'not-found' where nobody knows the client. */
export async function findClient(context: Context, scope: ClusterOption, clientId: string): Promise<FoundClient> {
  const { clients, failed } = await findClients(context, scope, { clientId })
  const [client] = clients
  if (client !== undefined) return client
  throw new CliFailure(
    'not-found',
    `no broker${failed ? ' that answered' : ''} knows a client '${clientId}'`,
    'It left, or was silent for two minutes. rmq client list shows those that are there.',
  )
}

/** For programs. */
export function clientDocument(client: FoundClient) {
  return {
    clientId: client.clientId,
    kind: client.kind,
    group: client.group === '' ? null : client.group,
    language: client.language,
    version: client.version,
    address: client.address,
    proxies: client.proxies,
    since: new Date(client.sinceMs).toISOString(),
    reachable: client.isReachable,
    topics: client.topics,
    subscriptions: client.subscriptions,
  }
}

const remedies = {
  gone: 'rmq client list shows those that are there.',
  silent: 'It may hang, or its SDK does not answer this.',
  unsupported: 'Another client of the group may: see LANGUAGE in rmq client list.',
  'no-message': 'rmq message query --id <message> shows where it is.',
} as const

const codes = {
  gone: 'unavailable',
  silent: 'timeout',
  unsupported: 'not-implemented',
  'no-message': 'not-found',
} as const

/** What the client brought. Throws the CliFailure of a command that did not reach it, or that it did not do. */
export function doneOf<Value>(answer: ClientAnswer<Value>): Value {
  if (answer.kind === 'done') return answer.value
  throw new CliFailure(codes[answer.kind], answer.reason, remedies[answer.kind])
}

/** The broker that passes a command on. */
export function relayOf({ brokers, clientId }: FoundClient): BrokerAddress {
  const [broker] = brokers
  if (broker === undefined) throw new CliFailure('unavailable', `no broker knows client '${clientId}'`)
  return broker
}
