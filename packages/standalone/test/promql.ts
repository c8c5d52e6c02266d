// Reads PromQL with the parser of Prometheus' own editor: which metrics and labels a query names.
import { parser } from '@prometheus-io/lezer-promql'

export interface NamedIn {
  /** Of each selector: the metric and the labels that it is matched by. */
  readonly selectors: readonly { readonly metric: string; readonly labels: readonly string[] }[]
  /** Labels of `by`, `on`, `ignoring` and the like. */
  readonly groupings: readonly string[]
}

/** Throws where the text is no query. */
export function namesIn(query: string): NamedIn {
  const selectors: { metric: string; labels: string[] }[] = []
  const groupings: string[] = []
  const tree = parser.parse(query)
  tree.iterate({
    enter({ name, from, to, type, node }) {
      const text = query.slice(from, to)
      if (type.isError) throw new Error(`no PromQL at ${from}: ${query}`)
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] })
      if (name === 'Identifier') selectors.at(-1)!.metric = text
      if (name !== 'LabelName') return
      if (node.parent?.name === 'GroupingLabels') groupings.push(text)
      else selectors.at(-1)!.labels.push(text)
    },
  })
  return { selectors, groupings }
}
