// Why a cluster knows no topic at all: nobody is registered at its nameservers, or none of them answers. What people
// see then is an unknown topic, and creating it would not help.
import type { NameServerClient } from '@rocketmq-ts/cluster-client'
import { MASTER_ID, MqError } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'

/** One answer serves all questions of this time: any number of unknown topics may be asked for. */
const FRESH_MS = 1_000

export interface MissingBrokersDeps {
  readonly clock: Clock
  /** A client of each nameserver alone. */
  readonly nameServers: readonly Pick<NameServerClient, 'addresses' | 'clusterInfo'>[]
}

/** Asks every nameserver for its brokers. Undefined: one of them has a master. Never rejects. */
export function createMissingBrokers({ clock, nameServers }: MissingBrokersDeps): () => Promise<string | undefined> {
  let last: { readonly reason: Promise<string | undefined>; readonly untilMs: number } | undefined

  async function findReason(): Promise<string | undefined> {
    const states = await Promise.all(nameServers.map((nameServer) => stateOf(nameServer)))
    if (states.some(({ kind }) => kind === 'has-masters')) return undefined
    const addressesOf = (kind: State['kind']) => states.filter((state) => state.kind === kind).map((it) => it.address)
    const empty = addressesOf('empty')
    const silent = addressesOf('silent')
    if (empty.length === 0) return undefined // the question for the route says which of them do not answer
    const others = silent.length === 0 ? '' : ` (${silent.join(', ')} can not be asked)`
    return (
      `no broker is registered at nameserver ${empty.join(', ')}${others}: start one that has it in its namesrvAddr, ` +
      'or correct namesrvAddr of this proxy'
    )
  }

  return () => {
    if (last === undefined || clock.monotonicMs() >= last.untilMs) {
      last = { reason: findReason(), untilMs: clock.monotonicMs() + FRESH_MS }
    }
    return last.reason
  }
}

interface State {
  readonly address: string
  readonly kind: 'has-masters' | 'empty' | 'silent'
}

async function stateOf({ addresses, clusterInfo }: MissingBrokersDeps['nameServers'][number]): Promise<State> {
  const address = addresses.join(', ')
  try {
    const { brokerAddrTable } = await clusterInfo()
    const hasMasters = [...brokerAddrTable.values()].some(({ brokerAddrs }) => brokerAddrs.has(MASTER_ID))
    return { address, kind: hasMasters ? 'has-masters' : 'empty' }
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    return { address, kind: 'silent' }
  }
}
