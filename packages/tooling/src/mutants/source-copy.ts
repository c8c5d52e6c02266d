// A copy of the workspace's sources in a temporary folder, so that a fault never touches the real ones.
// Invariant: packages of the copy import packages of the copy; only third-party ones are those of the real workspace.
import { cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, sep } from 'node:path'

const PACKAGE_PARENTS = ['packages', 'services']
/** Names that no test needs: build results, and commands of dependencies. */
const LEFT_OUT = new Set(['dist', '.bin'])
const SCOPE = '@rocketmq-ts'

export interface SourceCopy {
  /** Its root, without links in the path. */
  readonly root: string
  /** The source of a file, by its path from the root; undefined where there is no such file. */
  read(path: string): Promise<string | undefined>
  write(path: string, source: string): Promise<void>
  remove(): void
}

/** Copies the workspace at `root`. Throws when a package of the copy would load a package of the original. */
export function copySources(root: string): SourceCopy {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'rocketmq-ts-mutants-')))
  try {
    cpSync(join(root, 'package.json'), join(copy, 'package.json'))
    for (const parent of PACKAGE_PARENTS) {
      // Links between packages are relative: kept as they are, they point to the copy's packages.
      cpSync(join(root, parent), join(copy, parent), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !LEFT_OUT.has(basename(path)),
      })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir')
    checkLinks(copy)
  } catch (error) {
    rmSync(copy, { recursive: true, force: true })
    throw error
  }
  return {
    root: copy,
    read: async (path) => (existsSync(join(copy, path)) ? readFile(join(copy, path), 'utf8') : undefined),
    write: (path, source) => writeFile(join(copy, path), source),
    // Tests that were ended a moment ago may still write.
    remove: () => rmSync(copy, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}

/** What a link leads to is what a test of the copy loads. */
function checkLinks(copy: string): void {
  for (const parent of PACKAGE_PARENTS) {
    for (const name of readdirSync(join(copy, parent))) {
      const scope = join(copy, parent, name, 'node_modules', SCOPE)
      for (const dependency of existsSync(scope) ? readdirSync(scope) : []) {
        const target = realpathSync(join(scope, dependency))
        if (!target.startsWith(copy + sep)) {
          throw new Error(`${parent}/${name}: ${SCOPE}/${dependency} leads out of the copy, to ${target}`)
        }
      }
    }
  }
}
