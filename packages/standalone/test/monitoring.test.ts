// What deploy/monitoring asks of Prometheus is there to be asked: every metric, every label, every target.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { type MetricDefinition, MetricName } from '@rocketmq-ts/metrics'
import { createProcessMetrics } from '@rocketmq-ts/metrics/node'
import { parse } from 'yaml'
import { namesIn } from './promql.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const MONITORING = join(ROOT, 'deploy/monitoring')
/** What services and scrapes add to every series. */
const TARGET_LABELS = ['job', 'instance']
const NODE_LABELS = ['cluster', 'node_type', 'node_id']
/** Prometheus' own, one for each target. */
const UP = 'up'

interface Query {
  readonly where: string
  readonly expr: string
  /** Labels that texts about the answer name. */
  readonly shown: readonly string[]
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly remedy: string }
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

interface Board {
  readonly uid: string
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition: string }[] }
  readonly panels: readonly Panel[]
}

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string
        readonly profiles?: readonly string[]
        readonly ports?: readonly string[]
        readonly volumes?: readonly string[]
        readonly environment?: Readonly<Record<string, string>>
      }
    >
  >
}

function yamlOf<Value>(path: string): Value {
  return parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true }) as Value
}

const rules = yamlOf<{ groups: { rules: Rule[] }[] }>('deploy/monitoring/alerts.yml').groups.flatMap(
  ({ rules }) => rules,
)
const board = JSON.parse(readFileSync(join(MONITORING, 'grafana/rocketmq-ts.json'), 'utf8')) as Board

/** Labels by metric, histograms by the names of their series. */
async function knownMetrics(): Promise<Map<string, ReadonlySet<string>>> {
  const known = new Map<string, Set<string>>([[UP, new Set(TARGET_LABELS)]])
  for (const { name, kind, openLabels, fixedLabels } of Object.values(MetricName) as MetricDefinition[]) {
    const labels = [...TARGET_LABELS, ...NODE_LABELS, ...openLabels, ...fixedLabels]
    if (kind !== 'histogram') known.set(name, new Set(labels))
    else {
      for (const part of ['sum', 'count']) known.set(`${name}_${part}`, new Set(labels))
      known.set(`${name}_bucket`, new Set([...labels, 'le']))
    }
  }
  // Series of collections appear with the first one.
  known.set('nodejs_gc_duration_seconds_sum', new Set([...TARGET_LABELS, 'kind']))
  for (const line of (await createProcessMetrics().expose()).split('\n')) {
    const [, name, labels = ''] = /^([a-z]\w*)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    if (name === undefined) continue
    const names = Array.from(labels.matchAll(/(\w+)="/g), ([, label = '']) => label)
    known.set(name, new Set([...TARGET_LABELS, ...(known.get(name) ?? []), ...names]))
  }
  return known
}

function labelsShown(text: string): string[] {
  const alerts = Array.from(text.matchAll(/\$labels\.(\w+)/g), ([, label = '']) => label)
  return [...alerts, ...Array.from(text.matchAll(/\{\{(\w+)\}\}/g), ([, label = '']) => label)]
}

/** Grafana puts a duration and the chosen values here. */
function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', '5m').replaceAll(/"\$\w+"/g, '".*"')
}

function queries(): Query[] {
  const ofRules = rules.map(({ alert, expr, annotations }) => ({
    where: alert,
    expr,
    shown: labelsShown(`${annotations.summary} ${annotations.remedy}`),
  }))
  const ofPanels = board.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ where: title, expr: filledIn(expr), shown: labelsShown(legendFormat) })),
  )
  const ofVariables = board.templating.list.map(({ name, definition }) => {
    const [, expr = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? []
    return { where: `$${name}`, expr, shown: [label] }
  })
  return [...ofRules, ...ofPanels, ...ofVariables]
}

/** What the query names that nobody exposes. */
function unknownIn({ expr, shown }: Query, known: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const { selectors, groupings } = namesIn(expr)
  const unknown = selectors.flatMap(({ metric, labels }) => {
    const own = known.get(metric)
    if (own === undefined) return [metric]
    return labels.filter((label) => !own.has(label)).map((label) => `${metric}{${label}}`)
  })
  const all = new Set(selectors.flatMap(({ metric }) => [...(known.get(metric) ?? [])]))
  return [...unknown, ...[...groupings, ...shown].filter((label) => !all.has(label))]
}

test('monitoring: every query of alerts and board → PromQL that names only what is exposed', async () => {
  const known = await knownMetrics()
  const all = queries()
  expect(all.length).toBeGreaterThan(80)
  const faults = all.flatMap((query) => unknownIn(query, known).map((name) => `${query.where}: ${name}`))
  expect(faults).toEqual([])
})

test('monitoring: queries that name what is not there → told which metric and label', async () => {
  const known = await knownMetrics()
  const unknown = (expr: string, shown: string[] = []) => unknownIn({ where: '', expr, shown }, known)
  expect(unknown('sum by (topik) (rocketmq_consumer_lag_messages{grup="a"})', ['queue'])).toEqual([
    'rocketmq_consumer_lag_messages{grup}',
    'topik',
    'queue',
  ])
  expect(unknown('rate(rocketmq_messages_total[5m])')).toEqual(['rocketmq_messages_total'])
  expect(unknown('rocketmq_ts_turn_milliseconds')).toEqual(['rocketmq_ts_turn_milliseconds'])
  expect(() => unknown('sum( by foo{')).toThrow('no PromQL')
})

test('monitoring: alerts → each with its own name, a severity, what happened and what to do', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  for (const { labels, annotations } of rules) {
    expect(['page', 'ticket']).toContain(labels.severity)
    expect(annotations.summary).toMatch(/\.$/)
    expect(annotations.remedy).toMatch(/\.$/)
  }
})

test('monitoring: the board → panels with titles and descriptions, on the grid, none above another', () => {
  const datasource = yamlOf<{ datasources: { uid: string }[] }>('deploy/monitoring/grafana/datasource.yml')
    .datasources[0]
  expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
  const cells = new Set<string>()
  for (const { type, title, description, gridPos, datasource: source, targets } of board.panels) {
    expect(title).not.toBe('')
    if (type !== 'row') {
      expect(description).toMatch(/\.$/)
      expect(targets?.length).toBeGreaterThan(0)
      expect(source?.uid).toBe(datasource?.uid)
    }
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(cells).not.toContain(`${x} ${y}`)
        cells.add(`${x} ${y}`)
      }
    }
  }
})

test('monitoring: the compose profile → pinned images on loopback, files that exist, targets that can be reached', () => {
  const { services } = yamlOf<Compose>('docker-compose.yml')
  const watchers = Object.values(services).filter(({ profiles = [] }) => profiles.includes('monitoring'))
  expect(watchers).toHaveLength(2)
  for (const { image, ports = [], volumes = [] } of watchers) {
    expect(image).toMatch(/:v?\d+\.\d+\.\d+$/)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    const mounted = volumes.map((volume) => volume.split(':')[0] ?? '').filter((path) => path.startsWith('.'))
    for (const path of mounted) expect(existsSync(join(ROOT, path))).toBe(true)
  }
  const { scrape_configs: jobs, rule_files: files } = yamlOf<{
    scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number; type: string }[] }[]
    rule_files: string[]
  }>('deploy/monitoring/prometheus.yml')
  for (const file of files) expect(existsSync(join(MONITORING, file))).toBe(true)
  const targets = jobs.flatMap(({ job_name, dns_sd_configs }) =>
    dns_sd_configs.flatMap(({ names, port, type }) => names.map((name) => ({ job_name, name, port, type }))),
  )
  const ours = Object.keys(services).filter((name) => services[name]?.profiles === undefined)
  expect(targets.map(({ name }) => name).sort()).toEqual(ours.sort())
  const image = readFileSync(join(ROOT, 'deploy/docker/Dockerfile'), 'utf8')
  for (const { job_name, name, port, type } of targets) {
    const kind = job_name.toUpperCase()
    expect(type).toBe('A')
    expect(image).toContain(`ROCKETMQ_TS_${kind}_HEALTH_PORT=${port}`)
    expect(services[name]?.environment).toMatchObject({ [`ROCKETMQ_TS_${kind}_HEALTH_HOST`]: '0.0.0.0' })
    expect(services[name]?.ports?.join() ?? '').not.toContain(`:${port}`)
  }
})

test('monitoring: provisioning → the folders that the compose file mounts', () => {
  const { services } = yamlOf<Compose>('docker-compose.yml')
  const mounts = new Map(
    services['grafana']?.volumes?.map((volume) => volume.split(':').slice(0, 2) as [string, string]),
  )
  const provider = yamlOf<{ providers: { options: { path: string } }[] }>('deploy/monitoring/grafana/dashboards.yml')
  const path = mounts.get('./deploy/monitoring/grafana/rocketmq-ts.json') ?? ''
  expect(dirname(path)).toBe(provider.providers[0]?.options.path)
  expect(mounts.get('./deploy/monitoring/grafana/datasource.yml')).toMatch(
    /^\/etc\/grafana\/provisioning\/datasources\//,
  )
  expect(mounts.get('./deploy/monitoring/grafana/dashboards.yml')).toMatch(
    /^\/etc\/grafana\/provisioning\/dashboards\//,
  )
})
