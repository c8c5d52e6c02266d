// The cluster whose parts go and come back: two of each, a balancer before the proxies, another one before each broker, and
// a third proxy that is left alone, for clients that idle.
import { join } from 'node:path'
import { type Balancer, createBalancer } from '../compose/balancer.ts'
import { type ClusterNode, type ProcessCluster, startCluster } from '../process-cluster.ts'
import { createRmq, type Rmq } from '../sdk/rmq.ts'

/** What the brokers are called in routes: another address of this machine, with the ports of their own. */
const BROKER_HOST = '127.0.0.2'

export interface SessionCluster {
  readonly nameservers: readonly ClusterNode[]
  readonly brokers: readonly ClusterNode[]
  /** Those behind the balancer. */
  readonly proxies: readonly ClusterNode[]
  readonly nodes: readonly ClusterNode[]
  readonly balancer: Balancer
  /** Each passes on to a broker. */
  readonly brokerForwarders: readonly Balancer[]
  /** `host:port` of the proxy that stays. */
  readonly quietEndpoints: string
  readonly rmq: Rmq
  stop(): Promise<void>
}

/** Starts it in the folder, from the bundles in `services`; resolves when all are ready. */
export async function startSessionCluster(folder: string, services: string): Promise<SessionCluster> {
  const cluster: ProcessCluster = await startCluster({
    nameservers: 2,
    brokers: 2,
    proxies: 3,
    folder,
    logFolder: join(folder, 'logs'),
    flush: 'async',
    services,
    brokerFlags: [`--broker-ip1=${BROKER_HOST}`],
  })
  const { nameservers, brokers, nodes } = cluster
  const brokerForwarders = await Promise.all(
    brokers.map(({ address, port }) => createBalancer([address], { host: BROKER_HOST, port })),
  )
  await cluster.ready()
  const [quiet, ...proxies] = cluster.proxies
  const balancer = await createBalancer(proxies.map(({ address }) => address))
  return {
    nameservers,
    brokers,
    proxies,
    nodes,
    balancer,
    brokerForwarders,
    quietEndpoints: quiet?.address ?? '',
    rmq: createRmq(services, nameservers.map(({ address }) => address).join(';')),
    async stop() {
      await balancer.close()
      await cluster.stop()
      await Promise.all(brokerForwarders.map((forwarder) => forwarder.close()))
    },
  }
}
