// What a metric is called, what it counts, and which labels it has. Labels of listed values and labels whose values
// come from users are kept apart, because only the latter can grow without end.

export type MetricKind = 'counter' | 'gauge' | 'histogram'

/** What the series 'other' holds of all gauges beyond the bound: their sum, or for ages the largest. */
export type OtherShows = 'sum' | 'max'

/** `Open` labels carry names that users choose (topics, groups); `Fixed` ones take values from a list in the code. */
export interface MetricDefinition<
  Kind extends MetricKind = MetricKind,
  Open extends string = string,
  Fixed extends string = string,
> {
  readonly kind: Kind
  /** As exposed; counters end in `_total`, durations in their unit. */
  readonly name: string
  readonly help: string
  readonly openLabels: readonly Open[]
  readonly fixedLabels: readonly Fixed[]
  /** Upper bounds of the buckets of a histogram, ascending, without the last (infinite) one. */
  readonly buckets: readonly number[]
  readonly other: OtherShows
}

/** The values of all labels of a metric. */
export type LabelsOf<D> =
  D extends MetricDefinition<MetricKind, infer Open, infer Fixed> ? Readonly<Record<Open | Fixed, string>> : never

interface Labels<Open extends string, Fixed extends string> {
  readonly open?: readonly Open[]
  readonly fixed?: readonly Fixed[]
}

const NONE: readonly never[] = []

/** A number that only grows; `name` ends in `_total`. */
export function counter<const Open extends string = never, const Fixed extends string = never>(
  name: `${string}_total`,
  help: string,
  { open = NONE, fixed = NONE }: Labels<Open, Fixed> = {},
): MetricDefinition<'counter', Open, Fixed> {
  return { kind: 'counter', name, help, openLabels: open, fixedLabels: fixed, buckets: NONE, other: 'sum' }
}

/** A number that goes up and down. */
export function gauge<const Open extends string = never, const Fixed extends string = never>(
  name: string,
  help: string,
  { open = NONE, fixed = NONE, other = 'sum' }: Labels<Open, Fixed> & { readonly other?: OtherShows } = {},
): MetricDefinition<'gauge', Open, Fixed> {
  return { kind: 'gauge', name, help, openLabels: open, fixedLabels: fixed, buckets: NONE, other }
}

/** A distribution over fixed buckets. */
export function histogram<const Open extends string = never, const Fixed extends string = never>(
  name: string,
  help: string,
  buckets: readonly number[],
  { open = NONE, fixed = NONE }: Labels<Open, Fixed> = {},
): MetricDefinition<'histogram', Open, Fixed> {
  return { kind: 'histogram', name, help, openLabels: open, fixedLabels: fixed, buckets, other: 'sum' }
}
