// What a run has brought so far, world by world.
import { missedMinimums } from './minimums.ts'
import { countLines, failureLines, missedLine, tableLines } from './report-text.ts'
import { addTallies, type SeedReport } from './seed-report.ts'
import type { SeedOrder, WorkerAnswer } from './seed-workers.ts'
import { addReport, noTotals, type StoreTotals, weaknessesOf } from './store-totals.ts'

export class Results {
  readonly startedMs = performance.now()
  readonly cluster: SeedReport[] = []
  readonly store: StoreTotals = noTotals()
  readonly failures: SeedOrder[] = []
  /** First and last seed of each world. */
  readonly #ranges = new Map<SeedOrder['world'], [number, number]>()
  #done = 0

  get done(): number {
    return this.#done
  }

  range(world: SeedOrder['world']): readonly [number, number] | undefined {
    return this.#ranges.get(world)
  }

  /** Lines that must be shown: why the seed failed. */
  take(answer: WorkerAnswer): string[] {
    this.#done += 1
    const seed = 'crashed' in answer ? answer.seed : answer.report.seed
    const range = this.#ranges.get(answer.world)
    this.#ranges.set(answer.world, [Math.min(seed, range?.[0] ?? seed), Math.max(seed, range?.[1] ?? seed)])
    if ('crashed' in answer) {
      this.failures.push({ world: answer.world, seed })
      if (answer.world === 'store') this.store.failed.push(seed)
      return [`FAILED  ${answer.world} seed ${seed}: ${answer.crashed}`]
    }
    if (answer.world === 'cluster') this.cluster.push(answer.report)
    else addReport(this.store, answer.report)
    if (answer.report.violations.length === 0) return []
    this.failures.push({ world: answer.world, seed })
    return failureLines(answer.world, answer.report)
  }

  /** What the run lacks to prove anything. */
  missed(): string[] {
    const { cluster, store } = this
    const lines = missedMinimums(addTallies(cluster), cluster.length).map(missedLine)
    if (store.seeds > 0) lines.push(...weaknessesOf(store).map((text) => `FAILED  ${text}`))
    return lines
  }

  tableLines(): string[] {
    const { store } = this
    const lines = this.cluster.length === 0 ? [] : tableLines(this.cluster)
    if (store.seeds === 0) return lines
    const { seeds, operations, lives, virtualMs } = store
    const hours = (virtualMs / 3_600_000).toFixed(1)
    const head = `store: ${seeds} seeds, ${operations} operations, ${lives} lives, ${hours} simulated hours, ${Object.keys(store.steps).length} steps hit`
    return [...lines, head, ...countLines(store.faults), ...countLines(store.outcomes)]
  }

  asJson(): object {
    const { cluster, store, failures } = this
    return { failures, missed: this.missed(), cluster: { totals: addTallies(cluster), reports: cluster }, store }
  }
}
