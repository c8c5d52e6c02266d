// Clients of a broker, composed: who produces for which group, which clients proxies have, and requests about both.
import type { Clock } from '@rocketmq-ts/runtime'
import { createClientRequests } from './client-requests.ts'
import { type ClientTable, createClientTable } from './client-table.ts'
import { type Producers, createProducers } from './producers.ts'

export interface BrokerClients {
  readonly table: ClientTable
  readonly producers: Producers
  /** Handlers of requests about clients. */
  readonly requests: ReturnType<typeof createClientRequests>
}

/** Creates them, with nobody known. */
export function createBrokerClients(deps: { readonly clock: Pick<Clock, 'monotonicMs'> }): BrokerClients {
  const table = createClientTable(deps)
  const producers = createProducers(deps)
  return { table, producers, requests: createClientRequests({ producers, table }) }
}
