// `node packages/tooling/src/bundle-services.mjs [folder]`: installs what the lockfile names, then bundles every command
// of the project into the folder, one file each. What the container image is made of. Without a folder it takes one of
// the cache that belongs to the sources as they are, made once, and prints its path.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bootstrap, CACHE_FOLDER, ROOT } from './bootstrap.mjs'
import { bundleAll, bundleOnce } from './bundle.mjs'

const COMMANDS = {
  nameserver: 'services/nameserver/src/main.ts',
  broker: 'services/broker/src/main.ts',
  proxy: 'services/proxy/src/main.ts',
  rmq: 'packages/cli/src/main.ts',
}

try {
  if (await bootstrap(import.meta.url)) {
    const [folder] = process.argv.slice(2)
    const entries = Object.fromEntries(Object.entries(COMMANDS).filter(([, path]) => existsSync(join(ROOT, path))))
    if (folder === undefined) console.log(await bundleOnce({ entries, parent: join(CACHE_FOLDER, 'services') }))
    else await bundleAll({ entries, folder: resolve(folder) })
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
