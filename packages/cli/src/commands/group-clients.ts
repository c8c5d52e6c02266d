// The clients of a group, as its brokers know them, by what they have subscribed to: all of them should have the same.
import { MqError, subscriptionsText } from '@rocketmq-ts/model'
import type { ListedClient } from '@rocketmq-ts/remoting'
import type { Context } from '../context.ts'
import { compareText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'

/** Names of clients in one cell. */
const NAMES_SHOWN_MAX = 4

export interface GroupClients {
  /** All of them, also those whose subscriptions are not known. */
  readonly count: number
  /** The way of most clients first. */
  readonly ways: readonly SubscribedWay[]
}

export interface SubscribedWay {
  /** See `subscriptionsText`. */
  readonly subscriptions: string
  /** Their ids. */
  readonly clients: readonly string[]
}

/** Undefined where no broker can tell: Apache's can not. */
export async function clientsOf(
  session: Session,
  brokers: readonly BrokerAddress[],
  group: string,
): Promise<GroupClients | undefined> {
  const lists = await Promise.all(brokers.map(({ address }) => listed(session, address, group)))
  const known = lists.filter((list) => list !== undefined)
  return known.length === 0 ? undefined : gathered(known.flat())
}

async function listed(session: Session, address: string, group: string): Promise<readonly ListedClient[] | undefined> {
  try {
    return (await session.brokers.clients(address, { group })).clients
  } catch (error) {
    if (error instanceof MqError) return undefined // who does not answer at all was named before
    throw error
  }
}

function gathered(clients: readonly ListedClient[]): GroupClients {
  const ids = new Set<string>()
  const ways = new Map<string, Set<string>>()
  for (const { clientId, subscriptions } of clients) {
    ids.add(clientId)
    if (subscriptions.length === 0) continue
    const text = subscriptionsText(subscriptions)
    const way = ways.get(text)
    if (way === undefined) ways.set(text, new Set([clientId]))
    else way.add(clientId)
  }
  return {
    count: ids.size,
    ways: Array.from(ways, ([subscriptions, own]) => ({ subscriptions, clients: [...own].sort(compareText) })).sort(
      (left, right) =>
        right.clients.length - left.clients.length || compareText(left.subscriptions, right.subscriptions),
    ),
  }
}

/** Says who differs, where some do. */
export function showDiffering({ printer }: Context, group: string, { ways }: GroupClients): void {
  if (ways.length < 2) return
  if (!printer.isJson) {
    printer.line()
    printer.table(
      [{ title: 'SUBSCRIPTIONS' }, { title: 'CLIENTS', align: 'right' }, { title: 'NAMES' }],
      ways.map(({ subscriptions, clients }) => [subscriptions, clients.length, namesText(clients)]),
    )
  }
  printer.warning(
    `clients of group '${group}' have subscribed differently: what the filter of one leaves out never reaches the ` +
      'others; have all subscribe alike, or give them groups of their own',
  )
}

function namesText(clients: readonly string[]): string {
  const shown = clients.slice(0, NAMES_SHOWN_MAX).join(', ')
  return clients.length > NAMES_SHOWN_MAX ? `${shown} and ${clients.length - NAMES_SHOWN_MAX} more` : shown
}
