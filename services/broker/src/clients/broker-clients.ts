// Clients of a broker, composed: who produces for which group, which clients proxies have, what these are told, and requests
// about all of it.
import { MetricName } from '@rocketmq-ts/metrics'
import { SettingsChanged, type SettingsChangedHeader } from '@rocketmq-ts/remoting'
import type { Turns } from '@rocketmq-ts/runtime'
import type { MessageQueries } from '@rocketmq-ts/store'
import { createClientCommands } from './client-commands.ts'
import { createClientRequests } from './client-requests.ts'
import { type ClientTable, createClientTable } from './client-table.ts'
import { type Producers, createProducers } from './producers.ts'
import { createSubscriptionWatch, type SubscriptionWatchDeps } from './subscription-watch.ts'

export interface BrokerClients {
  readonly table: ClientTable
  readonly producers: Producers
  /** Handlers of requests about clients. */
  readonly requests: ReturnType<typeof createClientRequests> & ReturnType<typeof createClientCommands>
  /** In a job: settings were changed. Every proxy hears of it as soon as the change holds. */
  settingsChanged(kind: 'topic' | 'group', name: string): void
}

export interface BrokerClientsDeps extends SubscriptionWatchDeps {
  readonly store: Pick<MessageQueries, 'recordAt'>
  readonly turns: Pick<Turns, 'release'>
}

/** Creates them, with nobody known. */
export function createBrokerClients(deps: BrokerClientsDeps): BrokerClients {
  const table = createClientTable({ clock: deps.clock, watch: createSubscriptionWatch(deps) })
  const producers = createProducers(deps)
  const known = deps.registry.gauge(MetricName.knownClients)
  const full = deps.registry.gauge(MetricName.knownClientsFull)
  deps.registry.collect(() => {
    known.set({}, table.size)
    full.set({}, table.isFull ? 1 : 0)
  })

  function tell(header: SettingsChangedHeader): void {
    // Whose connection takes nothing more asks by itself, later.
    for (const { peer } of table.proxies()) peer.oneway(SettingsChanged, header)
  }

  return {
    table,
    producers,
    requests: { ...createClientRequests({ producers, table }), ...createClientCommands({ ...deps, table }) },
    settingsChanged(kind, name) {
      if (table.size === 0) return
      deps.turns.release('flushed', (failure) => {
        if (failure === undefined) tell({ kind, name })
      })
    },
  }
}
