// Lag, age and ledger of every group in every topic. A scrape visits queues, never messages: sums come from the books
// that each transition keeps. Series are made once for a group and go with it.
import { type GaugeSeries, MetricName, type MetricsRegistry } from '@rocketmq-ts/metrics'
import { isRetryTopic, isSystemTopic } from '@rocketmq-ts/model'
import type { QueueReader } from '@rocketmq-ts/store'
import { BUCKETS, type GroupState, type Inflight, type QueueState } from '../inflight/inflight.ts'
import { AGE_READS_MAX, type AgeBudget, type AgeOf, type MessageAges } from './message-ages.ts'

/** Queues between two places where messages may pass. */
const QUEUES_PER_STEP = 64
/** Queues in one answer with details. */
export const DETAIL_QUEUES_MAX = 4096
const WAITING = BUCKETS.indexOf('waiting')
const READY = BUCKETS.indexOf('ready')
const IN_FLIGHT = BUCKETS.indexOf('inFlight')
const NOTHING_LEFT: AgeBudget = { left: 0 }

export interface GroupGaugesDeps {
  readonly inflight: Pick<Inflight, 'groups' | 'addCounts' | 'lowMark'>
  readonly reader: Pick<QueueReader, 'bounds'>
  readonly ages: MessageAges
  readonly nowMs: () => number
}

/** Values of `is_system` and `is_retry`. */
export function kindLabels(topic: string): { readonly is_system: string; readonly is_retry: string } {
  return { is_system: String(isSystemTopic(topic)), is_retry: String(isRetryTopic(topic)) }
}

/** The age of the oldest of several messages. */
class OldestAge {
  ms = 0
  /** There is one whose age is not known. */
  isUnsure = false

  clear(): void {
    this.ms = 0
    this.isUnsure = false
  }

  add(ageMs: number | undefined): void {
    if (ageMs === undefined) this.isUnsure = true
    else if (ageMs > this.ms) this.ms = ageMs
  }
}

/** What is summed up of queues. */
class Sums {
  readonly counts = new Float64Array(BUCKETS.length)
  readonly unsettled = new OldestAge()
  readonly undelivered = new OldestAge()

  clear(): void {
    this.counts.fill(0)
    this.unsettled.clear()
    this.undelivered.clear()
  }

  get ready(): number {
    return this.counts[WAITING]! + this.counts[READY]!
  }
  get inFlight(): number {
    return this.counts[IN_FLIGHT]!
  }
  get lag(): number {
    return this.ready + this.inFlight
  }
}

/** Adds a queue to the sums; a promise where that waits for the disk. */
function createVisit({ inflight, reader, ages, nowMs }: GroupGaugesDeps) {
  function addAge(
    queue: QueueState,
    which: AgeOf,
    offset: number,
    into: readonly OldestAge[],
    budget: AgeBudget,
  ): Promise<void> | undefined {
    const add = () => {
      const ageMs = ages.age(queue, which, offset, nowMs())
      for (const oldest of into) oldest.add(ageMs)
    }
    const wait = ages.isKnown(queue, which, offset) ? undefined : ages.find(queue, which, offset, budget)
    if (wait !== undefined) return wait.then(add)
    add()
    return undefined
  }

  return (queue: QueueState, sums: Sums, budget: AgeBudget): Promise<void> | undefined => {
    const { max } = reader.bounds(queue.topic, queue.queueId)
    inflight.addCounts(queue, max, sums.counts)
    const low = inflight.lowMark(queue)
    if (low >= max) return undefined
    const { unsettled, undelivered } = sums
    if (low === queue.cursor) return addAge(queue, 'unsettled', low, [unsettled, undelivered], budget)
    const first = addAge(queue, 'unsettled', low, [unsettled], budget)
    if (queue.cursor >= max) return first
    const second = addAge(queue, 'undelivered', queue.cursor, [undelivered], budget)
    return first === undefined || second === undefined ? (first ?? second) : Promise.all([first, second]).then(() => {})
  }
}

/** The series of one group in one topic. Ages and buckets have one only while they show something. */
interface Line {
  /** Another one when the group was made anew: it shows with the same series. */
  state: GroupState
  seenIn: number
  readonly lag: GaugeSeries
  readonly inFlight: GaugeSeries
  readonly ready: GaugeSeries
  lagMs: GaugeSeries | undefined
  queueingMs: GaugeSeries | undefined
  readonly buckets: (GaugeSeries | undefined)[]
}

/** Shows the value, with a series made where there is none yet; without a value the series goes. */
function shown(
  series: GaugeSeries | undefined,
  value: number | undefined,
  make: () => GaugeSeries,
): GaugeSeries | undefined {
  if (value === undefined) {
    series?.remove()
    return undefined
  }
  const shownBy = series ?? make()
  shownBy.set(value)
  return shownBy
}

function shownMs({ ms, isUnsure }: OldestAge): number | undefined {
  return ms === 0 && isUnsure ? undefined : ms
}

/** Registers the gauges of groups; those of single queues are for `/metrics/queues?group=…&topic=…`. */
export function registerGroupGauges(registry: MetricsRegistry, deps: GroupGaugesDeps): void {
  const { inflight, ages } = deps
  const visit = createVisit(deps)
  const lag = registry.gauge(MetricName.consumerLagMessages)
  const inFlight = registry.gauge(MetricName.consumerInflightMessages)
  const ready = registry.gauge(MetricName.consumerReadyMessages)
  const lagMs = registry.gauge(MetricName.consumerLagLatency)
  const queueingMs = registry.gauge(MetricName.consumerQueueingLatency)
  const ledger = registry.gauge(MetricName.ledgerMessages)
  /** By topic and group. */
  const lines = new Map<string, Line>()
  let hasGone = false
  let scrape = 0
  /** Group at which the budget of the last scrape was used up: this one's begins there. */
  let resumeAt = 0

  function labelsOf({ topic, group }: GroupState) {
    return { topic, consumer_group: group, ...kindLabels(topic) }
  }

  function makeLine(state: GroupState): Line {
    const labels = labelsOf(state)
    return {
      state,
      seenIn: scrape,
      lag: lag.with(labels),
      inFlight: inFlight.with(labels),
      ready: ready.with(labels),
      lagMs: undefined,
      queueingMs: undefined,
      buckets: [],
    }
  }

  function show(state: GroupState, sums: Sums): void {
    const key = `${state.topic}\0${state.group}`
    let line = lines.get(key)
    if (line === undefined) lines.set(key, (line = makeLine(state)))
    if (line.state !== state) {
      line.state = state
      hasGone = true
    }
    line.seenIn = scrape
    line.lag.set(sums.lag)
    line.inFlight.set(sums.inFlight)
    line.ready.set(sums.ready)
    line.lagMs = shown(line.lagMs, shownMs(sums.unsettled), () => lagMs.with(labelsOf(state)))
    line.queueingMs = shown(line.queueingMs, shownMs(sums.undelivered), () => queueingMs.with(labelsOf(state)))
    for (let index = 0; index < BUCKETS.length; index += 1) {
      const count = sums.counts[index]!
      const series = line.buckets[index]
      if (count === 0 && series === undefined) continue
      line.buckets[index] = shown(series, count === 0 ? undefined : count, () =>
        ledger.with({ topic: state.topic, consumer_group: state.group, bucket: BUCKETS[index]! }),
      )
    }
  }

  function forgetGone(): void {
    for (const [key, line] of lines) {
      if (line.seenIn === scrape) continue
      lines.delete(key)
      hasGone = true
      for (const series of [line.lag, line.inFlight, line.ready, line.lagMs, line.queueingMs, ...line.buckets]) {
        series?.remove()
      }
    }
    if (hasGone) ages.forgetDropped()
    hasGone = false
  }

  registry.collect(function* () {
    scrape += 1
    const budget = { left: AGE_READS_MAX }
    const from = resumeAt
    resumeAt = 0
    let index = 0
    let steps = 0
    const sums = new Sums()
    for (const state of inflight.groups()) {
      sums.clear()
      for (const queue of state.queues) {
        const wait = visit(queue, sums, index < from ? NOTHING_LEFT : budget)
        steps += 1
        if (wait !== undefined || steps % QUEUES_PER_STEP === 0) yield wait
      }
      show(state, sums)
      if (budget.left <= 0 && resumeAt === 0) resumeAt = index
      index += 1
    }
    forgetGone()
  })

  registry.collectDetail(function* (filter, into) {
    const budget = { left: AGE_READS_MAX }
    const [queueLag, queueInFlight, queueReady, queueLagMs] = [
      into.gauge(MetricName.queueLagMessages),
      into.gauge(MetricName.queueInflightMessages),
      into.gauge(MetricName.queueReadyMessages),
      into.gauge(MetricName.queueLagLatency),
    ]
    let left = DETAIL_QUEUES_MAX
    for (const { topic, group, queues } of inflight.groups()) {
      if (group !== filter.get('group') || (filter.has('topic') && topic !== filter.get('topic'))) continue
      for (const queue of queues.slice(0, left)) {
        const sums = new Sums()
        yield visit(queue, sums, budget)
        const labels = { topic, consumer_group: group, queue_id: String(queue.queueId) }
        queueLag.set(labels, sums.lag)
        queueInFlight.set(labels, sums.inFlight)
        queueReady.set(labels, sums.ready)
        const ageMs = shownMs(sums.unsettled)
        if (ageMs !== undefined) queueLagMs.set(labels, ageMs)
      }
      left -= Math.min(left, queues.length)
    }
  })
}
