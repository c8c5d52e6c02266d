// Prometheus' text format 0.0.4, written in pieces: the text of many series never holds up other work.
import { Buffer } from 'node:buffer'
import type { MetricDefinition } from './definition.ts'

/** What one combination of labels has counted. */
export interface SeriesValues {
  /** `name="value",…`, escaped. */
  readonly labels: string
  /** Of a histogram: the sum of what was recorded. */
  readonly value: number
  /** Of a histogram: records per bucket, the infinite one last; else empty. */
  readonly counts: Float64Array
}

/** A label value longer than this is cut. */
const LABEL_CHARS_MAX = 255
const ESCAPED = /[\\"\n]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

/** `before`, which is such a text itself, and then the labels of these names. */
export function joinLabels(before: string, names: readonly string[], values: Readonly<Record<string, string>>): string {
  let text = before
  for (const name of names) text += `${text === '' ? '' : ','}${name}="${escapeLabel(values[name] ?? '')}"`
  return text
}

function escapeLabel(value: string): string {
  const cut = value.length > LABEL_CHARS_MAX ? value.slice(0, LABEL_CHARS_MAX) : value
  if (!ESCAPED.test(cut)) return cut
  return cut.replace(/[\\"\n]/g, (found) => ESCAPES[found] ?? '')
}

/** The lines that come before the series of a metric. */
export function headOf({ name, help, kind }: MetricDefinition): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`
}

/** The lines of one series. */
export function linesOf(definition: MetricDefinition, series: SeriesValues): string {
  const { name, kind } = definition
  return kind === 'histogram' ? bucketLines(definition, series) : sample(name, series.labels, series.value)
}

function bucketLines({ name, buckets }: MetricDefinition, { labels, counts, value }: SeriesValues): string {
  const before = labels === '' ? '' : `${labels},`
  let sum = 0
  let text = ''
  for (const [index, bound] of buckets.entries()) {
    sum += counts[index]!
    text += sample(`${name}_bucket`, `${before}le="${bound}"`, sum)
  }
  sum += counts[buckets.length]!
  text += sample(`${name}_bucket`, `${before}le="+Inf"`, sum)
  return text + sample(`${name}_sum`, labels, value) + sample(`${name}_count`, labels, sum)
}

function sample(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`
}

const TEXT_BYTES_MIN = 16 * 1024
/** Bytes of UTF-8 per UTF-16 unit, at most. */
const UTF8_BYTES_MAX = 3

/** Text as UTF-8, which grows. */
export class TextBuffer {
  #buffer: Buffer
  #length = 0

  /** @param bytes how many there will be, as far as that is known */
  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(TEXT_BYTES_MIN, Math.ceil(bytes * 1.25)))
  }

  add(piece: string): void {
    const needed = this.#length + piece.length * UTF8_BYTES_MAX
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length))
      this.#buffer.copy(grown, 0, 0, this.#length)
      this.#buffer = grown
    }
    this.#length += this.#buffer.write(piece, this.#length, 'utf8')
  }

  /** What was added so far; not a copy. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }
}
