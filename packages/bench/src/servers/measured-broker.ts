// A broker that is measured alone, in a folder of its own, and what the machine's others did before and after it.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BrokerClient, createBrokerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { connectPeer, type Peer } from '@rocketmq-ts/remoting'
import { createNodeNetwork, nodeClock, nodeScheduler } from '@rocketmq-ts/runtime/node'
import { connectPeers } from '../load/remoting-calls.ts'
import { prepareBroker } from './broker-alone.ts'
import { busyShareOfOthers } from './others.ts'
import type { ServerProcess } from './server-process.ts'

/** Part of every size. */
interface Probed {
  /** So long it is watched what others do on the machine, before and after. */
  readonly probeMs: number
}

export interface MeasuredBroker {
  readonly address: string
  readonly server: ServerProcess
  readonly client: BrokerClient
  /** One connection, for sends. */
  readonly peer: Peer
}

export interface BrokerBenchOptions<Size extends Probed> {
  /** Folder of bundles, see `bundles.ts`. */
  readonly bundles: string
  /** Made for it; store and logs. */
  readonly folder: string
  readonly cores: string | undefined
  readonly size: Size
  readonly tell: (line: string) => void
}

/** Starts the broker, measures, and stops it. Rejects as `measure` does. */
export async function measureBroker<Figures>(
  { bundles, folder, cores, size }: BrokerBenchOptions<Probed>,
  measure: (broker: MeasuredBroker) => Promise<Figures>,
): Promise<Figures & { readonly othersShare: number }> {
  mkdirSync(folder, { recursive: true })
  const broker = await prepareBroker({ bundles, folder, store: join(folder, 'store'), cores })
  const network = createNodeNetwork()
  const remoting = { clock: nodeClock, scheduler: nodeScheduler }
  const peers = createPeerSource({ clock: nodeClock, connect: (to) => connectPeer(network, to, remoting) })
  try {
    const othersBefore = await busyShareOfOthers(size.probeMs)
    const { address } = broker
    const server = await broker.start()
    const [peer] = await connectPeers(address, 1)
    const client = createBrokerClient({ peers })
    const figures = await measure({ address, server, client, peer: peer! }).finally(() => {
      peer!.close()
      return server.stop()
    })
    return { ...figures, othersShare: Math.max(othersBefore, await busyShareOfOthers(size.probeMs)) }
  } finally {
    peers.close()
    await broker.stop()
  }
}
