// Counts in memory and writes Prometheus' text format. Every metric has at most SERIES_MAX series: what comes later is
// counted in one series whose open labels say 'other', so the sum stays right and the memory bounded.
import assert from 'node:assert'
import type { LabelsOf, MetricDefinition } from './definition.ts'

/** Series of one metric, at most, besides 'other'. Apache: metricsOtelCardinalityLimit. */
export const SERIES_MAX = 50_000
/** Value of the open labels beyond the bound. */
export const OTHER = 'other'
const LABEL_CHARS_MAX = 255

/** One series of a counter; hold on to it where messages pass. */
export interface CounterSeries {
  /** `by` is a finite number ≥ 0. */
  add(by?: number): void
}
export interface HistogramSeries {
  record(value: number): void
}

export interface Counter<Labels> {
  with(labels: Labels): CounterSeries
  add(labels: Labels, by?: number): void
}
export interface Gauge<Labels> {
  /** Beyond the bound, values add up in 'other' until the next `clear`. */
  set(labels: Labels, value: number): void
  /** Forgets all series of this node, before they are set anew from state. */
  clear(): void
}
export interface Histogram<Labels> {
  with(labels: Labels): HistogramSeries
  record(labels: Labels, value: number): void
}

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
  /** Calls back before each `expose`, to set gauges from state. Must not throw. */
  collect(callback: () => void): void
  /** The same registry with constant labels for all that is counted through it, e.g. of one service. */
  withLabels(constant: Readonly<Record<string, string>>): MetricsRegistry
  /** All metrics in Prometheus' text format 0.0.4. */
  expose(): Promise<string>
}

interface Series {
  readonly labels: string
  readonly owner: string
  value: number
  /** Histograms: count per bucket, the infinite one last. */
  readonly counts: number[]
}

interface Family {
  readonly definition: MetricDefinition
  readonly series: Map<string, Series>
  seriesCount: number
}

export interface RegistryOptions {
  /** Series per metric, at most. */
  readonly seriesMax?: number
}

/** Creates an empty registry. Pure: the caller decides when it is exposed. */
export function createMetricsRegistry({ seriesMax = SERIES_MAX }: RegistryOptions = {}): MetricsRegistry {
  const families = new Map<string, Family>()
  const collectors: (() => void)[] = []

  function familyOf(definition: MetricDefinition): Family {
    const known = families.get(definition.name)
    if (known !== undefined) {
      assert(known.definition === definition, `two metrics are called ${definition.name}`)
      return known
    }
    const family = { definition, series: new Map<string, Series>(), seriesCount: 0 }
    families.set(definition.name, family)
    return family
  }

  function seriesOf(
    family: Family,
    owner: string,
    labels: Readonly<Record<string, string>>,
  ): Series & { isOther?: true } {
    const { openLabels, fixedLabels, buckets } = family.definition
    const text = joinLabels(owner, [...openLabels, ...fixedLabels], (name) => labels[name] ?? '')
    const known = family.series.get(text)
    if (known !== undefined) return known
    if (family.seriesCount >= seriesMax && openLabels.length > 0) {
      const open: readonly string[] = openLabels
      const other = joinLabels(owner, [...openLabels, ...fixedLabels], (name) =>
        open.includes(name) ? OTHER : (labels[name] ?? ''),
      )
      const series = family.series.get(other) ?? { ...emptySeries(other, owner, buckets), isOther: true as const }
      family.series.set(other, series)
      return series
    }
    const series = emptySeries(text, owner, buckets)
    family.series.set(text, series)
    family.seriesCount += 1
    return series
  }

  function view(constant: Readonly<Record<string, string>>): MetricsRegistry {
    const owner = joinLabels('', Object.keys(constant).sort(), (name) => constant[name] ?? '')
    return {
      counter(definition) {
        const family = familyOf(definition)
        const withLabels = (labels: Readonly<Record<string, string>>): CounterSeries => {
          const series = seriesOf(family, owner, labels)
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
        return {
          set(labels, value) {
            const series = seriesOf(family, owner, labels)
            series.value = series.isOther === true ? series.value + value : value
          },
          clear() {
            for (const [text, series] of family.series) {
              if (series.owner !== owner) continue
              family.series.delete(text)
              if (!('isOther' in series)) family.seriesCount -= 1
            }
          },
        }
      },
      histogram(definition) {
        const family = familyOf(definition)
        const withLabels = (labels: Readonly<Record<string, string>>): HistogramSeries => {
          const series = seriesOf(family, owner, labels)
          return {
            record(value) {
              const bucket = definition.buckets.findIndex((bound) => value <= bound)
              const index = bucket === -1 ? definition.buckets.length : bucket
              series.counts[index] = (series.counts[index] ?? 0) + 1
              series.value += value
            },
          }
        }
        return { with: withLabels, record: (labels, value) => withLabels(labels).record(value) }
      },
      collect(callback) {
        collectors.push(callback)
      },
      withLabels(more) {
        return view({ ...constant, ...more })
      },
      expose() {
        for (const collector of collectors) collector()
        return Promise.resolve([...families.values()].map(textOf).join(''))
      },
    }
  }
  return view({})
}

function emptySeries(labels: string, owner: string, buckets: readonly number[]): Series {
  return { labels, owner, value: 0, counts: Array.from({ length: buckets.length + 1 }, () => 0) }
}

function joinLabels(before: string, names: readonly string[], valueOf: (name: string) => string): string {
  const own = names.map((name) => `${name}="${escapeLabel(valueOf(name))}"`).join(',')
  if (before === '' || own === '') return before + own
  return `${before},${own}`
}

function escapeLabel(value: string): string {
  const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }
  return value.slice(0, LABEL_CHARS_MAX).replace(/[\\"\n]/g, (found) => escapes[found] ?? '')
}

function textOf({ definition, series }: Family): string {
  if (series.size === 0) return ''
  const { name, help, kind } = definition
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`]
  for (const one of series.values())
    lines.push(...(kind === 'histogram' ? bucketLines(definition, one) : [sample(name, one.labels, one.value)]))
  return `${lines.join('\n')}\n`
}

function bucketLines({ name, buckets }: MetricDefinition, { labels, counts, value }: Series): string[] {
  let sum = 0
  const lines = [...buckets, Infinity].map((bound, index) => {
    sum += counts[index] ?? 0
    const le = `le="${bound === Infinity ? '+Inf' : bound}"`
    return sample(`${name}_bucket`, labels === '' ? le : `${labels},${le}`, sum)
  })
  return [...lines, sample(`${name}_sum`, labels, value), sample(`${name}_count`, labels, sum)]
}

function sample(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`
}
