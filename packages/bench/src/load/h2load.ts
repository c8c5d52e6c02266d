// h2load (nghttp2), where it is installed: an independent generator beside ours.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { headerLines } from './grpc-calls.ts'

const run = promisify(execFile)
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024

/** Version, e.g. 'h2load nghttp2/1.52.0'; undefined where it is not installed. */
export async function h2loadVersion(): Promise<string | undefined> {
  try {
    return (await run('h2load', ['--version'])).stdout.trim()
  } catch {
    return undefined
  }
}

export interface H2LoadOptions {
  readonly url: string
  /** File with the framed request. */
  readonly bodyFile: string
  readonly connections: number
  readonly depth: number
  readonly calls: number
}

export interface H2LoadResult {
  /** Calls with HTTP status 2xx; it does not read gRPC's. */
  readonly succeeded: number
  readonly failed: number
  readonly perSecond: number
}

/** Makes so many calls and ends. Rejects when its report can not be read. */
export async function runH2Load({ url, bodyFile, connections, depth, calls }: H2LoadOptions): Promise<H2LoadResult> {
  const headers = headerLines().flatMap((line) => ['-H', line])
  const load = ['-n', String(calls), '-c', String(connections), '-m', String(depth), '-t', '1', '-d', bodyFile]
  const { stdout } = await run('h2load', [...load, ...headers, url], { maxBuffer: OUTPUT_BYTES_MAX })
  return parseH2Load(stdout)
}

/** Reads the report. */
export function parseH2Load(report: string): H2LoadResult {
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(report)?.[1]
  const requests = /requests: .*? (\d+) succeeded, (\d+) failed/.exec(report)
  if (rate === undefined || requests === null) throw new Error(`h2load ended with an unknown report:\n${report}`)
  return { perSecond: Number(rate), succeeded: Number(requests[1]), failed: Number(requests[2]) }
}
