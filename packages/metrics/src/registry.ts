// Counts in memory and writes Prometheus' text format. Every metric has at most SERIES_MAX series: what comes later is
// counted in one series whose open labels say 'other', so the sum stays right and the memory bounded.
import assert from 'node:assert'
import type { LabelsOf, MetricDefinition } from './definition.ts'
import { headOf, joinLabels, linesOf, type SeriesValues, TextBuffer } from './exposition.ts'

/** Series of one metric, at most, besides 'other'. Apache: metricsOtelCardinalityLimit. */
export const SERIES_MAX = 50_000
/** Value of the open labels beyond the bound. */
export const OTHER = 'other'
/** Series that are written in one piece, between two pauses. */
const SERIES_PER_PIECE = 64

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
  /** All metrics in Prometheus' text format 0.0.4, as UTF-8; calls at the same time share one text. */
  exposeBytes(): Promise<Uint8Array>
  /** The same as a string. */
  expose(): Promise<string>
  /** What the detail collectors give for the filter, in the same format. */
  exposeDetail(filter: DetailFilter): Promise<string>
}

const NO_COUNTS = new Float64Array(0)

/** One series, and the handle of it: there may be many. */
class Series implements SeriesValues, CounterSeries, GaugeSeries, HistogramSeries {
  readonly labels: string
  value = 0
  readonly counts: Float64Array
  readonly #family: Family
  /** Of all that is beyond the bound. */
  readonly #isOther: boolean

  constructor(family: Family, labels: string, isOther: boolean) {
    const { kind, buckets } = family.definition
    this.labels = labels
    this.counts = kind === 'histogram' ? new Float64Array(buckets.length + 1) : NO_COUNTS
    this.#family = family
    this.#isOther = isOther
  }

  add(by = 1): void {
    assert(by >= 0 && Number.isFinite(by), `${this.#family.definition.name} can not grow by ${by}`)
    this.value += by
  }

  set(value: number): void {
    if (!this.#isOther) this.value = value
    else this.value = this.#family.definition.other === 'sum' ? this.value + value : Math.max(this.value, value)
  }

  record(value: number): void {
    const { buckets } = this.#family.definition
    let bucket = 0
    while (bucket < buckets.length && value > buckets[bucket]!) bucket += 1
    this.counts[bucket]! += 1
    this.value += value
  }

  remove(): void {
    const { series } = this.#family
    if (series.get(this.labels) === this) series.delete(this.labels)
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

  /** @param textOf joins the labels of these names */
  at(labels: Readonly<Record<string, string>>, textOf: LabelText): Series {
    const text = textOf(this.labelNames, labels)
    const known = this.series.get(text)
    if (known !== undefined) return known
    if (this.series.size >= this.#seriesMax && this.definition.openLabels.length > 0) return this.#other(labels, textOf)
    const series = new Series(this, text, false)
    this.series.set(text, series)
    return series
  }

  #other(labels: Readonly<Record<string, string>>, textOf: LabelText): Series {
    const open = Object.fromEntries(this.definition.openLabels.map((name) => [name, OTHER]))
    const text = textOf(this.labelNames, { ...labels, ...open })
    let series = this.others.get(text)
    if (series === undefined) this.others.set(text, (series = new Series(this, text, true)))
    return series
  }

  /** Shared gauges are set anew by all that share them. */
  beginScrape(): void {
    if (this.definition.kind === 'gauge') for (const series of this.others.values()) series.value = 0
  }
}

type LabelText = (names: readonly string[], labels: Readonly<Record<string, string>>) => string

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
  let exposing: Promise<Uint8Array> | undefined
  /** Of the last text, with some room. */
  let textBytes = 0

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

  async function textOf(): Promise<Uint8Array> {
    const text = new TextBuffer(textBytes)
    for (const { definition, series, others } of families.values()) {
      let piece = headOf(definition)
      let count = 0
      for (const all of [series, others]) {
        for (const one of all.values()) {
          piece += linesOf(definition, one)
          count += 1
          if (count % SERIES_PER_PIECE !== 0) continue
          text.add(piece)
          piece = ''
          const wait = pace()
          if (wait !== undefined) await wait
        }
      }
      text.add(piece)
    }
    textBytes = text.bytes.length
    return text.bytes
  }

  async function exposeAll(): Promise<Uint8Array> {
    for (const family of families.values()) family.beginScrape()
    for (const collector of collectors) await run(collector())
    return textOf()
  }

  function exposeBytes(): Promise<Uint8Array> {
    exposing ??= exposeAll().finally(() => {
      exposing = undefined
    })
    return exposing
  }

  async function expose(): Promise<string> {
    return new TextDecoder().decode(await exposeBytes())
  }

  async function exposeDetail(filter: DetailFilter): Promise<string> {
    const answer = createMetricsRegistry(options)
    for (const { constant, collector } of details) await run(collector(filter, answer.withLabels(constant)))
    return answer.expose()
  }

  function view(constant: Readonly<Record<string, string>>): MetricsRegistry {
    const owner = joinLabels('', Object.keys(constant).sort(), constant)
    let last = ''
    /** Series of several metrics with the same labels, made one after the other, share one text. */
    const textOf: LabelText = (names, labels) => {
      const text = joinLabels(owner, names, labels)
      if (text !== last) last = text
      return last
    }
    return {
      counter(definition) {
        const family = familyOf(definition)
        return {
          with: (labels) => family.at(labels, textOf),
          add: (labels, by) => family.at(labels, textOf).add(by),
        }
      },
      gauge(definition) {
        const family = familyOf(definition)
        return {
          with: (labels) => family.at(labels, textOf),
          set: (labels, value) => family.at(labels, textOf).set(value),
        }
      },
      histogram(definition) {
        const family = familyOf(definition)
        return {
          with: (labels) => family.at(labels, textOf),
          record: (labels, value) => family.at(labels, textOf).record(value),
        }
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
      exposeBytes,
      expose,
      exposeDetail,
    }
  }
  return view({})
}
