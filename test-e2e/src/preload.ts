// Libraries of test-e2e/shim that are preloaded into a server, compiled where they are used.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCES = fileURLToPath(new URL('../shim', import.meta.url))
const COMPILE_MS_MAX = 60_000

export type Preload =
  | { readonly kind: 'compiled'; readonly library: string }
  | { readonly kind: 'impossible'; readonly reason: string }

/** Compiles `shim/<name>.c` into the folder. Where preloading can not work here, the reason is told; a fault is thrown. */
export function compilePreload(name: string, folder: string): Preload {
  if (process.platform !== 'linux') {
    return { kind: 'impossible', reason: `preloading works on Linux only, this is ${process.platform}` }
  }
  const library = join(folder, `${name}.so`)
  mkdirSync(folder, { recursive: true })
  const source = join(SOURCES, `${name}.c`)
  const flags = ['-shared', '-fPIC', '-O2', '-fvisibility=hidden', '-o', library, source, '-lpthread']
  const gcc = spawnSync('gcc', flags, { timeout: COMPILE_MS_MAX, encoding: 'utf8' })
  if (gcc.error !== undefined) return { kind: 'impossible', reason: `gcc can not be run (${gcc.error.message})` }
  if (gcc.status !== 0 || !existsSync(library)) throw new Error(`gcc failed:\n${gcc.stderr}`)
  return { kind: 'compiled', library }
}
