#!/usr/bin/env node
// The command `rmq` on a real machine: its terminal, its files, Ctrl-C.
import { open } from 'node:fs/promises'
import nodeModule from 'node:module'
import { resolve } from 'node:path'
import { CliFailure } from './failures.ts'
import type { Host, Output } from './host.ts'

nodeModule.enableCompileCache()
const { runRmq } = await import('./rmq.ts')

const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The second one ends the process as if nobody listened.
  process.once(signal, () => interruption.abort())
}
// `rmq … | head` stops reading: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

function outputOf(stream: NodeJS.WriteStream): Output {
  const { isTTY } = stream
  return { write: (text) => stream.write(text), isTTY, isColoured: isTTY && stream.hasColors() }
}

async function readStream(chunks: AsyncIterable<Uint8Array>, bytesMax: number, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new CliFailure('input', `${name} is longer than ${bytesMax} bytes`)
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

const host: Host = {
  env: process.env,
  out: outputOf(process.stdout),
  err: outputOf(process.stderr),
  input: {
    isTTY: process.stdin.isTTY,
    readAll: (bytesMax) => readStream(process.stdin, bytesMax, 'standard input'),
    async ask(question) {
      const { createInterface } = await import('node:readline/promises')
      const lines = createInterface({ input: process.stdin, output: process.stderr })
      try {
        return await lines.question(question, { signal: interruption.signal })
      } catch {
        return '' // Ctrl-C or the end of the input
      } finally {
        lines.close()
      }
    },
  },
  async effects() {
    const { createNodeFiles, createNodeNetwork, nodeClock, nodeRandom, nodeScheduler } =
      await import('@rocketmq-ts/runtime/node')
    return {
      clock: nodeClock,
      random: nodeRandom,
      scheduler: nodeScheduler,
      network: createNodeNetwork(),
      files: createNodeFiles(),
    }
  },
  absolutePath: (path) => resolve(path),
  async readFile(path, bytesMax) {
    try {
      await using file = await open(path)
      return await readStream(file.createReadStream({ autoClose: false }), bytesMax, path)
    } catch (error) {
      if (error instanceof CliFailure) throw error
      throw new CliFailure('input', `--file: ${error instanceof Error ? error.message : String(error)}`)
    }
  },
  interrupted: interruption.signal,
}

process.exitCode = await runRmq(process.argv.slice(2), host)
// What an interrupted command was waiting for, a connection for one, must not keep the process.
if (interruption.signal.aborted) process.exit()
