// The rules of the layers as data, and the judgement of one tree of files. Pure: the reader of the tree is layer-check.ts.
import { importsOf, namesIn } from './source-text.ts'

/** What runs in production, from the ground up. Imports point to a strictly lower level. */
export const LEVELS: readonly (readonly string[])[] = [
  ['bytes', 'runtime'],
  ['model'],
  ['remoting', 'store', 'grpc', 'filter', 'auth', 'config', 'metrics', 'health'],
  ['cluster-client'],
  ['nameserver', 'broker', 'proxy'],
  ['cli', 'console', 'client'],
  ['standalone'],
]

/** Packages of tests and scripts: they may import everything below, and only tests and each other import them. */
export const WORKSHOP: readonly string[] = ['testkit', 'bench', 'tooling']

/** Where the real machine is touched: `src/node/` of these, besides each `src/main.ts`. A new one is a decision. */
export const NODE_FOLDERS: readonly string[] = ['runtime', 'grpc', 'config', 'metrics', 'health', 'proxy', 'standalone']

/** Packages from outside that do things on their own (sockets, timers, files): in `node/` folders only. */
export const EFFECT_PACKAGES: readonly string[] = [
  '@grpc/grpc-js',
  'pino',
  'pino-pretty',
  'prom-client',
  '@peculiar/x509',
]

const EFFECT_BUILTINS: readonly string[] = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'fs',
  'http',
  'http2',
  'https',
  'inspector',
  'net',
  'os',
  'perf_hooks',
  'readline',
  'repl',
  'timers',
  'tls',
  'worker_threads',
]

const EFFECT_GLOBALS = new RegExp(
  [
    String.raw`(?<![.\w$])(?:globalThis\s*\.\s*)?(?:`,
    [
      String.raw`Date\s*\.\s*now\b`,
      String.raw`new\s+Date\s*\(\s*\)`,
      String.raw`Math\s*\.\s*random\b`,
      String.raw`performance\s*\.\s*\w+`,
      String.raw`process\s*\.\s*(?:env|argv|hrtime)\b`,
      String.raw`set(?:Timeout|Interval|Immediate)\b`,
      String.raw`new\s+Worker\b`,
    ].join('|'),
    String.raw`)|\brandom(?:UUID|Bytes|Int|FillSync)\b|\bgetRandomValues\b`,
  ].join(''),
  'g',
)

/** Inside one package: files under the first folder must not import files under the second. */
const INNER_EDGES: readonly { readonly package: string; readonly from: string; readonly to: string }[] = [
  { package: 'remoting', from: 'src/codec/', to: 'src/transport/' },
  { package: 'proxy', from: 'src/messaging/', to: 'src/rpc/' },
]

const SCOPE = '@rocketmq-ts/'

/** A workspace package: its folder from the root, its manifest, and its source files by path from the root. */
export interface PackageTree {
  readonly folder: string
  readonly manifest: {
    readonly name: string
    readonly exports?: Readonly<Record<string, unknown>>
    readonly dependencies?: Readonly<Record<string, string>>
    readonly devDependencies?: Readonly<Record<string, string>>
  }
  readonly files: ReadonlyMap<string, string>
}

/** One thing forbidden, where, and why. */
export interface Violation {
  readonly where: string
  readonly reason: string
}

/** Judges a whole tree. An empty tree is a violation too: a check that reads nothing proves nothing. */
export function checkLayers(packages: readonly PackageTree[]): Violation[] {
  const filesRead = packages.reduce((sum, { files }) => sum + files.size, 0)
  if (filesRead === 0) return [{ where: 'layer check', reason: 'read 0 files: the folders it looks into are wrong' }]
  const exportsOf = new Map(packages.map(({ manifest }) => [manifest.name, manifest.exports ?? {}]))
  return packages.flatMap((tree) => [
    ...checkManifest(tree),
    ...[...tree.files].flatMap(([path, source]) => checkFile(tree, path, source, exportsOf)),
  ])
}

function checkManifest({ folder, manifest }: PackageTree): Violation[] {
  const from = shortName(manifest.name)
  const where = `${folder}/package.json`
  if (from === undefined) return [{ where, reason: `${manifest.name} is not named ${SCOPE}…` }]
  if (!isPlaced(from))
    return [{ where, reason: `${from} has no level; give it one in packages/tooling/src/layers/rules.ts` }]
  const judged = (names: object, isTest: boolean) =>
    Object.keys(names).flatMap((name) => {
      const to = shortName(name)
      const reason = to === undefined ? undefined : forbiddenEdge(from, to, isTest)
      return reason === undefined ? [] : [{ where, reason }]
    })
  return [...judged(manifest.dependencies ?? {}, false), ...judged(manifest.devDependencies ?? {}, true)]
}

function checkFile(
  { folder, manifest }: PackageTree,
  path: string,
  source: string,
  exportsOf: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): Violation[] {
  const from = shortName(manifest.name)
  if (from === undefined || !isPlaced(from)) return []
  const inner = path.slice(folder.length + 1)
  const isTest = inner.startsWith('test/') || WORKSHOP.includes(from) || from === 'test-e2e'
  const mayHaveEffects = isTest || isNodeFile(from, inner) || inner === 'src/main.ts'
  const declared = { ...manifest.dependencies, ...(isTest ? manifest.devDependencies : {}) }
  const violations: Violation[] = []

  for (const { specifier, line } of importsOf(source)) {
    const report = (reason: string | undefined) => {
      if (reason !== undefined) violations.push({ where: `${path}:${line}`, reason })
    }
    if (specifier.startsWith('.')) report(relativeFault(from, inner, specifier))
    else if (specifier.startsWith(SCOPE)) {
      report(scopedFault(from, specifier, isTest, declared, exportsOf))
      if (!mayHaveEffects) report(nodeEntryFault(specifier))
    } else if (!mayHaveEffects) report(effectFault(specifier))
  }
  if (!mayHaveEffects) {
    for (const { name, line } of namesIn(source, EFFECT_GLOBALS)) {
      violations.push({
        where: `${path}:${line}`,
        reason: `${name} outside of a node/ folder; take it from the Effects`,
      })
    }
  }
  return violations
}

function relativeFault(from: string, inner: string, specifier: string): string | undefined {
  const target = resolve(inner, specifier)
  if (target.startsWith('../')) return `${specifier} leaves its package; import it by name`
  const edge = INNER_EDGES.find(
    (one) => one.package === from && inner.startsWith(one.from) && target.startsWith(one.to),
  )
  return edge === undefined ? undefined : `${edge.from} imports ${edge.to}`
}

function scopedFault(
  from: string,
  specifier: string,
  isTest: boolean,
  declared: Readonly<Record<string, string>>,
  exportsOf: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): string | undefined {
  const [, to = '', ...rest] = specifier.split('/')
  const edge = to === from ? undefined : forbiddenEdge(from, to, isTest)
  if (edge !== undefined) return edge
  const name = `${SCOPE}${to}`
  const entry = rest.length === 0 ? '.' : `./${rest.join('/')}`
  const entries = exportsOf.get(name)
  if (entries === undefined) return `${name} does not exist`
  if (!(entry in entries)) return `${specifier} is not an entry point in the exports of ${name}`
  if (to !== from && declared[name] === undefined) return `${name} is not in the dependencies of package.json`
  return undefined
}

/** Why `from` may not use `to`, or undefined when it may. */
function forbiddenEdge(from: string, to: string, isTest: boolean): string | undefined {
  if (from === 'test-e2e') return `test-e2e uses ${to}; it imports nothing of ours`
  if (to === 'test-e2e') return `${from} uses test-e2e`
  if (WORKSHOP.includes(from)) return undefined
  if (WORKSHOP.includes(to)) return isTest ? undefined : `${from} uses ${to}, which is for tests and scripts only`
  const levelFrom = levelOf(from)
  const levelTo = levelOf(to)
  if (levelTo === undefined) return `${to} has no level; give it one in packages/tooling/src/layers/rules.ts`
  if (levelFrom !== undefined && levelTo < levelFrom) return undefined
  const direction = levelTo === levelFrom ? 'sideways' : 'upwards'
  return `${from} (level ${levelFrom}) uses ${to} (level ${levelTo}): ${direction}; imports point downwards only`
}

function isNodeFile(from: string, inner: string): boolean {
  return NODE_FOLDERS.includes(from) && inner.startsWith('src/node/')
}

/** A node/ entry point is the real machine as much as a built-in module is. */
function nodeEntryFault(specifier: string): string | undefined {
  const isNodeEntry = specifier.split('/').slice(2).includes('node')
  return isNodeEntry ? `${specifier} outside of a node/ folder; take it from the Effects` : undefined
}

function effectFault(specifier: string): string | undefined {
  const builtin = specifier.replace(/^node:/, '').split('/')[0] ?? ''
  if (EFFECT_BUILTINS.includes(builtin)) return `${specifier} outside of a node/ folder; take it from the Effects`
  const outside = EFFECT_PACKAGES.find((name) => specifier === name || specifier.startsWith(`${name}/`))
  return outside === undefined ? undefined : `${outside} has effects of its own and is outside of a node/ folder`
}

function shortName(name: string): string | undefined {
  return name.startsWith(SCOPE) ? name.slice(SCOPE.length) : undefined
}

function isPlaced(name: string): boolean {
  return levelOf(name) !== undefined || WORKSHOP.includes(name) || name === 'test-e2e'
}

function levelOf(name: string): number | undefined {
  const level = LEVELS.findIndex((names) => names.includes(name))
  return level === -1 ? undefined : level
}

/** `src/a/b.ts` and `../c.ts` give `src/c.ts`; what leaves the package begins with `../`. */
function resolve(file: string, specifier: string): string {
  const parts = file.split('/').slice(0, -1)
  let above = 0
  for (const part of specifier.split('/')) {
    if (part === '..' && parts.pop() === undefined) above += 1
    else if (part !== '..' && part !== '.') parts.push(part)
  }
  return '../'.repeat(above) + parts.join('/')
}
