// `node packages/tooling/src/bundle-services.mjs <folder>`: installs what the lockfile names, then bundles every command
// of the project into the folder, one file each. What the container image is made of.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { bundleAll } from './bundle.mjs'

const COMMANDS = {
  nameserver: 'services/nameserver/src/main.ts',
  broker: 'services/broker/src/main.ts',
  proxy: 'services/proxy/src/main.ts',
  rmq: 'packages/cli/src/main.ts',
}

try {
  if (await bootstrap(import.meta.url)) {
    const [folder] = process.argv.slice(2)
    if (folder === undefined) throw new Error('Usage: node packages/tooling/src/bundle-services.mjs <folder>')
    const there = Object.entries(COMMANDS).filter(([, path]) => existsSync(join(ROOT, path)))
    await bundleAll({ entries: Object.fromEntries(there), folder: resolve(folder) })
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
