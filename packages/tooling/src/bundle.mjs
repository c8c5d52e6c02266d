// Bundles an entry into one ESM file, unless the bundle there was made from the same sources. What is imported
// dynamically, or by threads, becomes a file beside it, which costs nothing until it is needed.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from './bootstrap.mjs'

/** How long files of earlier bundles are kept. */
const KEEP_FILES_MS = 24 * 3600 * 1000
const SOURCE_PARENTS = ['packages', 'services']
/** What threads import by its name, see `moduleBeside` of the runtime; the jobs of tests are for nobody else. */
const THREAD_MODULE = /(?<!^packages\/testkit\/.*)\/(offload-worker|[^/]+\.job)\.ts$/
/** CommonJS dependencies (grpc-js, protobufjs) ask for `require` inside the ESM bundle. */
const BANNER = "import{createRequire as bundleRequire}from'node:module';const require=bundleRequire(import.meta.url);"

/**
 * Makes a bundle in `outFolder` from the TypeScript `entry` (both relative to the root); returns the absolute path of
 * its main file. Without a change since the last time this only looks at the sizes and times of the sources.
 */
export async function bundle({ entry, outFolder }) {
  const folder = join(ROOT, outFolder)
  const name = basename(entry).replace(/\.ts$/, '')
  const file = join(folder, `${name}.mjs`)
  const stampFile = join(folder, 'stamp')
  const stamp = sourceStampOf(ROOT)
  if (existsSync(file) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return file
  removeOldFiles(folder)
  await bundleAll({ entries: { [name]: entry }, folder })
  writeFileSync(stampFile, stamp)
  return file
}

/** Bundles the entries (name → path from the root) into `folder`, as `name.mjs` each; they share what they have in common. */
export async function bundleAll({ entries, folder }) {
  const { build, stop } = await import('esbuild')
  const threadModules = threadModulesOf(ROOT).map((path) => [basename(path).replace(/\.ts$/, ''), path])
  await build({
    absWorkingDir: ROOT,
    // All in one folder, whatever folder they come from.
    entryPoints: [...Object.entries(entries), ...threadModules].map(([name, path]) => ({ in: path, out: name })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['source'],
    banner: { js: BANNER },
    sourcemap: 'external',
    legalComments: 'none',
    logLevel: 'warning',
  })
  await stop() // its helper process would stay as long as ours
}

/**
 * Bundles the entries into a folder of `parent` that is named after the sources, unless it is there; returns its path.
 * It appears when it is whole, so that several may ask at a time.
 */
export async function bundleOnce({ entries, parent }) {
  const folder = join(parent, sourceStampOf(ROOT))
  if (existsSync(folder)) return folder
  removeOldFiles(parent)
  const making = `${folder}.${process.pid}`
  await bundleAll({ entries, folder: making })
  try {
    renameSync(making, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(making, { recursive: true }) // somebody else was faster
  }
  return folder
}

/** A server that still runs from an earlier bundle may import a file of it later, so only old ones go. */
function removeOldFiles(folder) {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (Date.now() - statSync(path).mtimeMs > KEEP_FILES_MS) rmSync(path, { recursive: true })
  }
}

/** Hash over path, size and modification time of every source, and over what is installed. */
export function sourceStampOf(root) {
  const hash = createHash('sha256').update(process.version)
  for (const path of ['pnpm-lock.yaml', 'packages/tooling/src/bundle.mjs']) hash.update(fingerprint(root, path))
  for (const path of sourcesOf(root)) hash.update(fingerprint(root, path))
  return hash.digest('hex')
}

/** The modules that threads of a service start with, and those of their jobs. */
export function threadModulesOf(root) {
  return sourcesOf(root).filter((path) => THREAD_MODULE.test(path))
}

/** Every source of every package, in an order of its own. */
function sourcesOf(root) {
  return SOURCE_PARENTS.flatMap((parent) =>
    readdirSync(join(root, parent))
      .sort()
      .flatMap((name) => filesBelow(root, `${parent}/${name}/src`)),
  )
}

function filesBelow(root, folder) {
  if (!existsSync(join(root, folder))) return []
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      return entry.isDirectory() ? filesBelow(root, path) : [path]
    })
}

function fingerprint(root, path) {
  const { size, mtimeMs } = statSync(join(root, path))
  return `${path}\0${size}\0${mtimeMs}\0`
}
