// Where a run took place: figures mean nothing without it.
import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem, type as systemName } from 'node:os'
import { fileSystemOf } from './probes/disk.ts'
import type { Machine } from './report/report.ts'
import type { Cores } from './servers/cores.ts'

const GIB = 1024 ** 3

export function describeMachine(folder: string, cores: Cores, loadAverageBefore: number): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / GIB),
    kernel: `${systemName()} ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(folder),
    serverCores: cores.servers,
    loadCores: cores.load,
    loadAverageBefore,
    loadAverageAfter: loadAverage(),
  }
}

/** Of the last minute. */
export function loadAverage(): number {
  return loadavg()[0] ?? 0
}

/** The commit of the sources, with '+' where they were changed since; 'unknown' outside of a clone. */
export function commitOf(root: string): string {
  try {
    const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
    const changed = git('status', '--porcelain', '--', 'packages', 'services') !== ''
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? '+' : ''}`
  } catch {
    return 'unknown'
  }
}

/** A name for files: '2-core-intel-r-xeon-r-processor'. */
export function slugOf({ cores, cpu }: Pick<Machine, 'cores' | 'cpu'>): string {
  const name = cpu.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return `${cores}-core-${name.replace(/^-|-$/g, '')}`
}
