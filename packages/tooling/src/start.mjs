// `npm start`: installs and bundles when something changed, then becomes the standalone server in this process. The
// script of package.json says `exec`, so that no shell stands between npm and this process: a shell would keep signals
// to itself, or die of them and leave the server running.
// Node keeps its default size of the new generation here, which a broker alone does not (deploy/docker/rocketmq-ts): with
// the proxy's short-lived objects of gRPC in the same heap, 2 MB of it cost 140 instead of 102 µs of CPU per message.
// By name on use: Node 20, which only installs and then starts Node 24, does not export the compile cache.
import nodeModule from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bootstrap, CACHE_FOLDER, THREADPOOL_SIZE } from './bootstrap.mjs'
import { bundle } from './bundle.mjs'

// libuv reads it when the first file operation is handed to a thread, so it must precede every one.
process.env.UV_THREADPOOL_SIZE ??= THREADPOOL_SIZE

try {
  if (await bootstrap(import.meta.url)) {
    const file = await bundle({
      entry: 'packages/standalone/src/main.ts',
      outFolder: 'packages/standalone/dist',
    })
    nodeModule.enableCompileCache(join(CACHE_FOLDER, 'compiled'))
    await import(pathToFileURL(file).href)
    nodeModule.flushCompileCache()
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
