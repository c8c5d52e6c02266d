// What every script of the root does first: the dependencies are installed and the script runs under Node 24.
// Plain JavaScript without a dependency, since a fresh clone has only the system's Node (20 or newer). While the stamp
// in node_modules fits, no package manager is called: that is what makes a second start fast.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** Caches of the scripts: stamps, compiled code. Removing it costs only time. */
export const CACHE_FOLDER = join(ROOT, 'node_modules', '.cache', 'rocketmq-ts')
/** Threads for file operations: a sync always finds one while cold reads are under way. */
export const THREADPOOL_SIZE = '8'

const INSTALL_STAMP = join(CACHE_FOLDER, 'install-stamp')
const NODE_MAJOR_MIN = 24
const PACKAGE_PARENTS = ['packages', 'services']
/** Platforms for which the pinned Node comes from the package registry. */
const PINNED_NODE_PLATFORMS = ['linux-x64', 'linux-arm64', 'win32-x64']
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Installs what the lockfile names unless that is done, then continues under Node 24.
 * Returns true when this process is to go on; false when a Node 24 process did the work and `process.exitCode` is its.
 * Call it first in a script: `if (await bootstrap(import.meta.url)) …`.
 */
export async function bootstrap(scriptUrl) {
  await ensureInstalled()
  if (nodeMajor() >= NODE_MAJOR_MIN) return true
  const node = pinnedNode()
  if (node === undefined) throw new Error(missingNodeMessage())
  process.exitCode = await run(node, [...process.execArgv, fileURLToPath(scriptUrl), ...process.argv.slice(2)])
  return false
}

/** Runs a command with this terminal; resolves with its exit code, 128 + signal where a signal ended it. */
export function run(command, args, options = {}) {
  const { env = {}, ...spawnOptions } = options
  const child = spawn(command, args, {
    cwd: process.cwd(),
    stdio: 'inherit',
    ...spawnOptions,
    env: { ...process.env, UV_THREADPOOL_SIZE: THREADPOOL_SIZE, ...env },
  })
  const forward = (signal) => child.kill(signal)
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forward)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      for (const name of FORWARDED_SIGNALS) process.off(name, forward)
      resolve(code ?? 128 + (constants.signals[signal] ?? 0))
    })
  })
}

/** Hash over everything that decides what is installed: lockfile, workspace file and every package.json. */
export function installStampOf(root) {
  const hash = createHash('sha256')
  for (const path of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests(root)]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  }
  return hash.digest('hex')
}

async function ensureInstalled() {
  const stamp = installStampOf(ROOT)
  if (readIfThere(INSTALL_STAMP) === stamp && existsSync(join(ROOT, 'node_modules', '.modules.yaml'))) return
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const hasPinnedNode = PINNED_NODE_PLATFORMS.includes(`${process.platform}-${process.arch}`)
  if (!hasPinnedNode && nodeMajor() < NODE_MAJOR_MIN) throw new Error(missingNodeMessage())
  // Without a packaged binary, the `node` package fails while it installs: skip its script, the system's Node serves.
  const args = [
    '-y',
    manifest.packageManager,
    'install',
    '--frozen-lockfile',
    ...(hasPinnedNode ? [] : ['--ignore-scripts']),
  ]
  console.error(`Installing dependencies (npx ${args.join(' ')}) …`)
  const isWindows = process.platform === 'win32'
  const code = await run(isWindows ? 'npx.cmd' : 'npx', args, { cwd: ROOT, shell: isWindows })
  if (code !== 0)
    throw new Error(`The installation of the dependencies failed (exit code ${code}); its output is above.`)
  mkdirSync(CACHE_FOLDER, { recursive: true })
  writeFileSync(INSTALL_STAMP, stamp)
}

function manifests(root) {
  const folders = PACKAGE_PARENTS.filter((parent) => existsSync(join(root, parent))).flatMap((parent) =>
    readdirSync(join(root, parent))
      .sort()
      .map((name) => `${parent}/${name}`),
  )
  return ['package.json', ...[...folders, 'test-e2e'].map((folder) => `${folder}/package.json`)].filter((path) =>
    existsSync(join(root, path)),
  )
}

function nodeMajor() {
  return Number(process.versions.node.split('.')[0])
}

function pinnedNode() {
  const path = join(ROOT, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  return existsSync(path) ? path : undefined
}

function missingNodeMessage() {
  return (
    `rocketmq-ts runs on Node ${NODE_MAJOR_MIN} or newer; this is ${process.version}, and the pinned Node is not packaged for ` +
    `${process.platform}-${process.arch}. Install Node ${NODE_MAJOR_MIN}, put it first in PATH and run the command again.`
  )
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
