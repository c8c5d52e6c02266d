// Carries out a plan: kills the nodes that it names when it says, takes from brokers what a power loss takes, and starts
// all that is down again. Every strike is told in a line.
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { writtenSegments } from '../commit-log.ts'
import type { Watch } from '../power-loss/shim.ts'
import { type PowerLoss, takeBack } from '../power-loss/take-back.ts'
import type { ClusterNode, ProcessCluster } from '../process-cluster.ts'
import type { Random } from '../random.ts'
import type { History } from './history.ts'
import type { Load } from './load.ts'
import { describeKill, type Kill } from './plan.ts'

export interface ReaperOptions {
  readonly plan: readonly Kill[]
  /** By name of the broker; none without the shim. */
  readonly watches: ReadonlyMap<string, Watch>
  readonly history: History
  readonly random: Random
  readonly tell: (line: string) => void
}

export interface Reaper {
  /** What a node is started with: the shim where its life ends under it. */
  env(node: ClusterNode): Readonly<Record<string, string>>
  /** Carries out the whole plan; resolves when all nodes are ready again. */
  run(cluster: ProcessCluster, load: Load): Promise<void>
  readonly losses: readonly PowerLoss[]
  /** Milliseconds until ready, of each start that was not cut short. */
  readonly starts: readonly number[]
  readonly counts: { readonly atRolls: number; readonly bothDown: number }
}

export function createReaper({ plan, watches, history, random, tell }: ReaperOptions): Reaper {
  const losses: PowerLoss[] = []
  const starts: number[] = []
  const counts = { atRolls: 0, bothDown: 0 }
  let position = 0

  function watchOf(name: string): Watch | undefined {
    const next = plan.slice(position).find(({ victim }) => victim === name)
    return next?.watched === true ? watches.get(name) : undefined
  }

  function losePower(kill: Kill, watch: Watch, goneMs: number): string {
    if (kill.powerLoss === undefined) return ''
    const loss = takeBack({ watch, kind: kill.powerLoss, random: random.derive(`loss ${losses.length}`) })
    losses.push(loss)
    history.losePower(kill.victim, goneMs)
    const { unsyncedWrites, droppedSectors, undoneRenames, undoneNames } = loss
    return `; ${unsyncedWrites} unsynced writes, dropped ${droppedSectors} sectors, ${undoneRenames} renames, ${undoneNames} names`
  }

  /** Resolves with what is told of it. */
  async function strike(kill: Kill, node: ClusterNode, load: Load): Promise<string> {
    const watch = watchOf(node.name)
    const segments = writtenSegments(node.folder)
    await node.kill({
      ...(kill.rolledBy !== undefined && {
        whenRolled: node.folder,
        rollLate: load.reached(kill.rolledBy),
      }),
      failSyncs: kill.syncsFail ? watch?.failMark : undefined,
      delayMs: kill.delayMs,
      whenUnsynced: kill.whenUnsynced ? watch?.undoLog : undefined,
    })
    const goneMs = performance.now()
    history.returns.gone(node.name)
    if (watch !== undefined) rmSync(watch.failMark, { force: true })
    const hasRolled = writtenSegments(node.folder) > segments
    if (kill.rolledBy !== undefined && hasRolled) counts.atRolls += 1
    return `${describeKill(kill)}${watch === undefined ? '' : losePower(kill, watch, goneMs)}`
  }

  return {
    losses,
    starts,
    counts,
    env: ({ name }) => watchOf(name)?.env ?? {},
    async run(cluster, load) {
      const { nodes } = cluster
      for (const kill of plan) {
        const node = nodes.find(({ name }) => name === kill.victim)
        if (node === undefined) throw new Error(`no node is called ${kill.victim}`)
        if (kill.at.during === 'load') await load.reached(kill.at.acknowledged)
        const struck = await strike(kill, node, load)
        position += 1
        const next = plan[position]
        const line = `${position}/${plan.length}  ${history.acknowledged} acknowledged  ${struck}`
        if (next?.at.during === 'outage') {
          tell(line)
          counts.bothDown += 1
          continue
        }
        await sleep(kill.downMs)
        const down = nodes.filter(({ isRunning }) => !isRunning)
        for (const each of down) each.start()
        if (next?.at.during === 'recovery') {
          tell(line)
          continue
        }
        let slowestMs = 0
        await Promise.all(
          nodes.map(async (each) => {
            const ms = await each.ready()
            if (!down.includes(each)) return
            starts.push(ms)
            slowestMs = Math.max(slowestMs, ms)
            if (each.kind === 'broker') history.returns.back(each.name)
          }),
        )
        tell(`${line}; ready after ${Math.round(slowestMs)} ms`)
      }
    },
  }
}
