// Reads the workspace and reports every import or effect that the layers forbid: `node packages/tooling/src/layer-check.ts`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkLayers, type PackageTree, type Violation } from './layers/rules.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PACKAGE_PARENTS = ['packages', 'services']
const SOURCE_FOLDERS = ['src', 'test']
const SOURCE_FILE = /\.(?:ts|mts|js|mjs|cjs)$/
const DECLARATION_FILE = /\.d\.(?:ts|mts)$/

/** Every workspace package below `root` with its sources. Folders without a package.json are no packages. */
export function readWorkspace(root: string): PackageTree[] {
  const folders = PACKAGE_PARENTS.filter((parent) => existsSync(join(root, parent))).flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}`),
  )
  return [...folders, 'test-e2e']
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => ({
      folder,
      manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as PackageTree['manifest'],
      files: new Map(sourceFiles(root, folder).map((path) => [path, readFileSync(join(root, path), 'utf8')])),
    }))
}

/** test-e2e keeps its tests in its root; packages keep theirs in src and test. */
function sourceFiles(root: string, folder: string): string[] {
  const starts = folder === 'test-e2e' ? [folder] : SOURCE_FOLDERS.map((name) => `${folder}/${name}`)
  return starts.filter((start) => existsSync(join(root, start))).flatMap((start) => filesBelow(root, start))
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = relative(root, join(root, folder, entry.name))
      .split(sep)
      .join('/')
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : filesBelow(root, path)
    return SOURCE_FILE.test(entry.name) && !DECLARATION_FILE.test(entry.name) ? [path] : []
  })
}

/** One line per violation, and a last line with the count of files. */
export function formatViolations(violations: readonly Violation[], fileCount: number): string {
  const lines = violations.map(({ where, reason }) => `${where}: ${reason}`)
  return [...lines, `${violations.length} violations in ${fileCount} files`].join('\n')
}

if (import.meta.main) {
  const packages = readWorkspace(ROOT)
  const violations = checkLayers(packages)
  const fileCount = packages.reduce((sum, { files }) => sum + files.size, 0)
  console.log(formatViolations(violations, fileCount))
  process.exitCode = violations.length === 0 ? 0 : 1
}
