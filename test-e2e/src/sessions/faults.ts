// What happens to the cluster under running clients, one after the other.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterNode } from '../process-cluster.ts'
import type { SessionCluster } from './cluster.ts'

const SECOND = 1000

export interface Fault {
  readonly name: string
  readonly title: string
  /** From when on clients must be served: meanwhile by the parts that are left, or after the return. */
  readonly served: 'meanwhile' | 'after'
  /** Resolves when the service is back. */
  run(cluster: SessionCluster): Promise<void>
}

async function killFor(nodes: readonly ClusterNode[], awayMs: number): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()))
  await sleep(awayMs)
  for (const node of nodes) node.start()
  await Promise.all(nodes.map((node) => node.ready()))
}

/** The kernel still takes connections and bytes for it, and nobody answers. */
async function haltFor(nodes: readonly ClusterNode[], awayMs: number): Promise<void> {
  for (const { pid } of nodes) process.kill(pid, 'SIGSTOP')
  await sleep(awayMs)
  for (const { pid } of nodes) process.kill(pid, 'SIGCONT')
}

/** In this order: what idles for 150 s from the start must find the brokers as it left them. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'proxy-killed',
    title: 'one of two proxies: kill -9, back after 5 s',
    served: 'meanwhile',
    run: ({ proxies }) => killFor(proxies.slice(0, 1), 5 * SECOND),
  },
  {
    name: 'proxies-killed',
    title: 'all proxies: kill -9, back after 5 s',
    served: 'after',
    run: ({ proxies }) => killFor(proxies, 5 * SECOND),
  },
  {
    name: 'nameserver-away',
    title: 'one of two nameservers: away for 20 s',
    served: 'meanwhile',
    run: ({ nameservers }) => killFor(nameservers.slice(0, 1), 20 * SECOND),
  },
  {
    name: 'nameservers-away',
    title: 'all nameservers: away for 40 s',
    served: 'meanwhile',
    run: ({ nameservers }) => killFor(nameservers, 40 * SECOND),
  },
  {
    name: 'half-open',
    title: 'connections of clients: half-open for 20 s, then closed',
    served: 'after',
    async run({ balancer }) {
      balancer.fallSilent()
      await sleep(20 * SECOND)
      balancer.endSilence()
    },
  },
  {
    name: 'proxy-halted',
    title: 'one of two proxies: SIGSTOP for 20 s',
    served: 'after',
    run: ({ proxies }) => haltFor(proxies.slice(0, 1), 20 * SECOND),
  },
  {
    name: 'brokers-killed',
    title: 'all brokers: kill -9, back after 10 s',
    served: 'after',
    run: ({ brokers }) => killFor(brokers, 10 * SECOND),
  },
  {
    name: 'brokers-halted',
    title: 'all brokers: SIGSTOP for 20 s',
    served: 'after',
    run: ({ brokers }) => haltFor(brokers, 20 * SECOND),
  },
]
