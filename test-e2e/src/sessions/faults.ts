// What happens to the cluster under running clients, one after the other.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterNode } from '../process-cluster.ts'
import type { SessionCluster } from './cluster.ts'

const SECOND = 1000

export interface Fault {
  readonly name: string
  readonly title: string
  /** Who serves while it lasts: the parts that are left, or nobody. */
  readonly meanwhile: 'others' | 'nobody'
  readonly awayMs: number
  /** Resolves when the service is back. */
  run(cluster: SessionCluster, awayMs: number): Promise<void>
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

/**
 * In this order: what was under way to a client comes again when its lease is over, 60 s after a fault, and nameservers
 * are away for longer than that.
 */
export const FAULTS: readonly Fault[] = [
  {
    name: 'brokers-killed',
    title: 'all brokers: kill -9, back after 10 s',
    meanwhile: 'nobody',
    awayMs: 10 * SECOND,
    run: ({ brokers }, awayMs) => killFor(brokers, awayMs),
  },
  {
    name: 'brokers-halted',
    title: 'all brokers: SIGSTOP for 20 s',
    meanwhile: 'nobody',
    awayMs: 20 * SECOND,
    run: ({ brokers }, awayMs) => haltFor(brokers, awayMs),
  },
  {
    name: 'brokers-lost',
    title: 'connections to the brokers: silent for ever, new ones work',
    meanwhile: 'others',
    awayMs: 10 * SECOND,
    async run({ brokerForwarders }, awayMs) {
      for (const forwarder of brokerForwarders) forwarder.loseConnections()
      await sleep(awayMs)
    },
  },
  {
    name: 'half-open',
    title: 'connections of clients: half-open for 20 s, then reset',
    meanwhile: 'nobody',
    awayMs: 20 * SECOND,
    async run({ balancer }, awayMs) {
      balancer.fallSilent()
      await sleep(awayMs)
      balancer.endSilence()
    },
  },
  {
    name: 'proxies-halted',
    title: 'all proxies: SIGSTOP for 20 s',
    meanwhile: 'nobody',
    awayMs: 20 * SECOND,
    run: ({ proxies }, awayMs) => haltFor(proxies, awayMs),
  },
  {
    name: 'proxy-killed',
    title: 'one of two proxies: kill -9, back after 5 s',
    meanwhile: 'others',
    awayMs: 5 * SECOND,
    run: ({ proxies }, awayMs) => killFor(proxies.slice(0, 1), awayMs),
  },
  {
    name: 'proxies-killed',
    title: 'all proxies: kill -9, back after 5 s',
    meanwhile: 'nobody',
    // After a longer time, the gRPC of Java, Python and Node waits for longer before it connects again: it backs off from
    // 1 s to 120 s (grpc/doc/connection-backoff.md). No server can shorten that; after 60 s it was 8 to 15 s.
    awayMs: 5 * SECOND,
    run: ({ proxies }, awayMs) => killFor(proxies, awayMs),
  },
  {
    name: 'nameserver-killed',
    title: 'one of two nameservers: kill -9, back after 20 s',
    meanwhile: 'others',
    awayMs: 20 * SECOND,
    run: ({ nameservers }, awayMs) => killFor(nameservers.slice(0, 1), awayMs),
  },
  {
    name: 'nameservers-killed',
    title: 'all nameservers: kill -9, back after 40 s',
    meanwhile: 'others',
    awayMs: 40 * SECOND,
    run: ({ nameservers }, awayMs) => killFor(nameservers, awayMs),
  },
]
