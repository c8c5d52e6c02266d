// Kills brokers and proxies at random, one after the other or during a recovery, and starts them again.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterNode, ProcessCluster } from '../process-cluster.ts'
import type { Random } from '../random.ts'

/** Between two strikes, at most. */
const QUIET_MS_MAX = 3_000
const DOWN_MS_MAX = 1_500
/** Of the strikes, this share hits the node once more while it recovers, within this time. */
const AGAIN = 0.2
const RECOVERY_MS_MAX = 300
const BROKERS = 0.65

export interface Strikes {
  readonly brokers: number
  readonly proxies: number
  readonly duringRecovery: number
}

/** Strikes until the time is over; resolves when all nodes are ready again. */
export async function strike(
  cluster: ProcessCluster,
  forMs: number,
  random: Random,
  tell: (line: string) => void,
): Promise<Strikes> {
  const counts = { brokers: 0, proxies: 0, duringRecovery: 0 }
  const untilMs = performance.now() + forMs

  async function kill(node: ClusterNode): Promise<void> {
    await node.kill()
    if (node.kind === 'broker') counts.brokers += 1
    else counts.proxies += 1
    tell(`${node.name} was killed`)
  }

  while (performance.now() < untilMs) {
    await sleep(random.integer(QUIET_MS_MAX))
    const nodes = random.chance(BROKERS) ? cluster.brokers : cluster.proxies
    const node = nodes[random.integer(nodes.length)]
    if (node === undefined) throw new Error('the cluster has no nodes')
    await kill(node)
    await sleep(random.integer(DOWN_MS_MAX))
    node.start()
    if (random.chance(AGAIN)) {
      await sleep(random.integer(RECOVERY_MS_MAX))
      await kill(node)
      counts.duringRecovery += 1
      node.start()
    }
    await node.ready()
  }
  return counts
}
