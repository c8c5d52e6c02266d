// `node packages/tooling/src/run.mjs <file> [arguments]`: what start.mjs does for the server, for any script of the
// project: installed dependencies and Node 24, then the script in this process with its arguments.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bootstrap } from './bootstrap.mjs'

try {
  if (await bootstrap(import.meta.url)) {
    const [file] = process.argv.splice(2, 1)
    if (file === undefined) throw new Error('Usage: node packages/tooling/src/run.mjs <file> [arguments]')
    await import(pathToFileURL(resolve(file)).href)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
