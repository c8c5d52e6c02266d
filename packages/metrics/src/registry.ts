// Counts in memory and writes Prometheus' text format. Every metric has at most SERIES_MAX series: what comes later is
// counted in one series whose open labels say 'other', so the sum stays right and the memory bounded.
import assert from 'node:assert'
import type { LabelsOf, MetricDefinition } from './definition.ts'
import { headOf, joinLabels, linesOf, type SeriesValues } from './exposition.ts'

/** Series of one metric, at most, besides 'other'. Apache: metricsOtelCardinalityLimit. */
export const SERIES_MAX = 50_000
/** Value of the open labels beyond the bound. */
export const OTHER = 'other'
/** Series between two pauses. */
const SERIES_PER_STEP = 256

/** One series of a counter; hold on to it where messages pass. */
export interface CounterSeries {
  /** `by` is a finite number ≥ 0. */
  add(by?: number): void
}
/** One series of a gauge. Beyond the bound several share one, which is set anew from all of them at every scrape. */
export interface GaugeSeries {
  set(value: number): void
  /** What it showed is gone. The handle is not used again. */
  remove(): void
}
export interface HistogramSeries {
  record(value: number): void
}

export interface Counter<Labels> {
  with(labels: Labels): CounterSeries
  add(labels: Labels, by?: number): void
}
export interface Gauge<Labels> {
  with(labels: Labels): GaugeSeries
  set(labels: Labels, value: number): void
}
export interface Histogram<Labels> {
  with(labels: Labels): HistogramSeries
  record(labels: Labels, value: number): void
}

/** Lets other work run, if it is time for that: a promise to wait for, else undefined. */
export type Pace = () => Promise<void> | undefined

/**
 * Sets gauges from state. Short ones just return; one that has many to set is a generator, and everything it yields is a
 * place for other work to run: nothing, or a promise to wait for. Must not throw.
 */
export type Collector = () => void | Generator<Promise<void> | undefined, void>

/** What a question for details names: each a label and its value. */
export type DetailFilter = ReadonlyMap<string, string>

/** Counts, for an answer of its own, what is too much for every scrape. */
export type DetailCollector = (filter: DetailFilter, into: MetricsRegistry) => ReturnType<Collector>

export interface MetricsRegistry {
  counter<O extends string, F extends string>(
    definition: MetricDefinition<'counter', O, F>,
  ): Counter<LabelsOf<MetricDefinition<'counter', O, F>>>
  gauge<O extends string, F extends string>(
    definition: MetricDefinition<'gauge', O, F>,
  ): Gauge<LabelsOf<MetricDefinition<'gauge', O, F>>>
  histogram<O extends string, F extends string>(
    definition: MetricDefinition<'histogram', O, F>,
  ): Histogram<LabelsOf<MetricDefinition<'histogram', O, F>>>
  /** Runs before each `expose`. */
  collect(collector: Collector): void
  /** Runs for each `exposeDetail`. */
  collectDetail(collector: DetailCollector): void
  /** The same registry with constant labels for all that is counted through it, e.g. of one service. */
  withLabels(constant: Readonly<Record<string, string>>): MetricsRegistry
  /** All metrics in Prometheus' text format 0.0.4; calls at the same time share one text. */
  expose(): Promise<string>
  /** What the detail collectors give for the filter, in the same format. */
  exposeDetail(filter: DetailFilter): Promise<string>
}

class Series implements SeriesValues {
  readonly labels: string
  value = 0
  readonly counts: Float64Array

  constructor(labels: string, { kind, buckets }: MetricDefinition) {
    this.labels = labels
    this.counts = new Float64Array(kind === 'histogram' ? buckets.length + 1 : 0)
  }
}

/** All series of one metric. */
class Family {
  readonly definition: MetricDefinition
  readonly series = new Map<string, Series>()
  /** Beyond the bound: one per combination of fixed labels. */
  readonly others = new Map<string, Series>()
  readonly labelNames: readonly string[]
  readonly #seriesMax: number

  constructor(definition: MetricDefinition, seriesMax: number) {
    this.definition = definition
    this.#seriesMax = seriesMax
    this.labelNames = [...definition.openLabels, ...definition.fixedLabels]
  }

  at(owner: string, labels: Readonly<Record<string, string>>): Series {
    const text = joinLabels(owner, this.labelNames, labels)
    const known = this.series.get(text)
    if (known !== undefined) return known
    if (this.series.size >= this.#seriesMax && this.definition.openLabels.length > 0) return this.#other(owner, labels)
    const series = new Series(text, this.definition)
    this.series.set(text, series)
    return series
  }

  #other(owner: string, labels: Readonly<Record<string, string>>): Series {
    const open = Object.fromEntries(this.definition.openLabels.map((name) => [name, OTHER]))
    const text = joinLabels(owner, this.labelNames, { ...labels, ...open })
    let series = this.others.get(text)
    if (series === undefined) this.others.set(text, (series = new Series(text, this.definition)))
    return series
  }

  set(series: Series, value: number): void {
    if (!this.others.has(series.labels)) series.value = value
    else series.value = this.definition.other === 'sum' ? series.value + value : Math.max(series.value, value)
  }

  remove(series: Series): void {
    if (this.series.get(series.labels) === series) this.series.delete(series.labels)
  }

  /** Shared gauges are set anew by all that share them. */
  beginScrape(): void {
    if (this.definition.kind === 'gauge') for (const series of this.others.values()) series.value = 0
  }
}

function record(series: Series, buckets: readonly number[], value: number): void {
  let bucket = 0
  while (bucket < buckets.length && value > buckets[bucket]!) bucket += 1
  series.counts[bucket]! += 1
  series.value += value
}

export interface RegistryOptions {
  /** Series per metric, at most. */
  readonly seriesMax?: number
  /** Asked every now and then while many series are set and written. Default: nothing else runs. */
  readonly pace?: Pace
}

/** Creates an empty registry. Pure: the caller decides when it is exposed. */
export function createMetricsRegistry(options: RegistryOptions = {}): MetricsRegistry {
  const { seriesMax = SERIES_MAX, pace = () => undefined } = options
  const families = new Map<string, Family>()
  const collectors: Collector[] = []
  const details: { readonly constant: Readonly<Record<string, string>>; readonly collector: DetailCollector }[] = []
  let exposing: Promise<string> | undefined

  function familyOf(definition: MetricDefinition): Family {
    const known = families.get(definition.name)
    if (known !== undefined) {
      assert(known.definition === definition, `two metrics are called ${definition.name}`)
      return known
    }
    const family = new Family(definition, seriesMax)
    families.set(definition.name, family)
    return family
  }

  async function run(steps: ReturnType<Collector>): Promise<void> {
    if (steps === undefined) return
    for (const step of steps) {
      const wait = step ?? pace()
      if (wait !== undefined) await wait
    }
  }

  async function textOf(): Promise<string> {
    const pieces: string[] = []
    for (const { definition, series, others } of families.values()) {
      let piece = headOf(definition)
      let count = 0
      for (const all of [series, others]) {
        for (const one of all.values()) {
          piece += linesOf(definition, one)
          count += 1
          if (count % SERIES_PER_STEP !== 0) continue
          pieces.push(piece)
          piece = ''
          const wait = pace()
          if (wait !== undefined) await wait
        }
      }
      pieces.push(piece)
    }
    return pieces.join('')
  }

  async function exposeAll(): Promise<string> {
    for (const family of families.values()) family.beginScrape()
    for (const collector of collectors) await run(collector())
    return textOf()
  }

  async function exposeDetail(filter: DetailFilter): Promise<string> {
    const answer = createMetricsRegistry(options)
    for (const { constant, collector } of details) await run(collector(filter, answer.withLabels(constant)))
    return answer.expose()
  }

  function view(constant: Readonly<Record<string, string>>): MetricsRegistry {
    const owner = joinLabels('', Object.keys(constant).sort(), constant)
    return {
      counter(definition) {
        const family = familyOf(definition)
        const withLabels = (labels: Readonly<Record<string, string>>): CounterSeries => {
          const series = family.at(owner, labels)
          return {
            add(by = 1) {
              assert(by >= 0 && Number.isFinite(by), `${definition.name} can not grow by ${by}`)
              series.value += by
            },
          }
        }
        return { with: withLabels, add: (labels, by) => withLabels(labels).add(by) }
      },
      gauge(definition) {
        const family = familyOf(definition)
        const withLabels = (labels: Readonly<Record<string, string>>): GaugeSeries => {
          const series = family.at(owner, labels)
          return { set: (value) => family.set(series, value), remove: () => family.remove(series) }
        }
        return { with: withLabels, set: (labels, value) => withLabels(labels).set(value) }
      },
      histogram(definition) {
        const family = familyOf(definition)
        const withLabels = (labels: Readonly<Record<string, string>>): HistogramSeries => {
          const series = family.at(owner, labels)
          return { record: (value) => record(series, definition.buckets, value) }
        }
        return { with: withLabels, record: (labels, value) => withLabels(labels).record(value) }
      },
      collect(collector) {
        collectors.push(collector)
      },
      collectDetail(collector) {
        details.push({ constant, collector })
      },
      withLabels(more) {
        return view({ ...constant, ...more })
      },
      expose() {
        exposing ??= exposeAll().finally(() => {
          exposing = undefined
        })
        return exposing
      },
      exposeDetail,
    }
  }
  return view({})
}
