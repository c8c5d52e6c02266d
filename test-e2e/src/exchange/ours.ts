// Our broker and nameserver, as the processes that ship.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { someOf } from '../checks.ts'
import { freePortList } from '../free-ports.ts'
import { launch, type ServiceProcess } from '../server.ts'
import type { BrokerLife, BrokerPlace } from './broker-place.ts'

export interface OursOptions {
  /** Folder of the bundles. */
  readonly services: string
  readonly logFile: string
  readonly flags?: readonly string[]
}

/** Starts a nameserver; both brokers register there. */
export async function startNameserver(
  services: string,
  logFile: string,
): Promise<{ readonly port: number; stop(): Promise<unknown> }> {
  const [port = 0, healthPort = 0] = await freePortList(2)
  const process = await start('nameserver', healthPort, { services, logFile, flags: [`--listen-port=${port}`] })
  return { port, stop: () => process.stop() }
}

/** Starts it; resolves when it is ready. */
export async function startOurBroker(place: BrokerPlace, options: OursOptions): Promise<BrokerLife> {
  const [healthPort = 0] = await freePortList(1)
  const startedMs = performance.now()
  const before = existsSync(options.logFile) ? readFileSync(options.logFile, 'utf8').length : 0
  const process = await start('broker', healthPort, {
    ...options,
    flags: [
      `--namesrv-addr=127.0.0.1:${place.nameserverPort}`,
      `--listen-port=${place.port}`,
      `--broker-name=${place.brokerName}`,
      `--store-path-root-dir=${place.folder}`,
      `--mapped-file-size-commit-log=${place.segmentBytes}`,
      '--auto-create-topic-enable',
      '--auto-create-subscription-group',
      ...(options.flags ?? []),
    ],
  })
  const complaints = () => readFileSync(options.logFile, 'utf8').slice(before).split('\n').filter(isError)
  return {
    kind: 'ours',
    readyMs: performance.now() - startedMs,
    complaints,
    async stop() {
      const { code, signal } = await process.stop()
      if (code !== 0) throw new Error(`our broker ended with ${code ?? signal}: ${someOf(complaints())}`)
    },
    async kill() {
      await process.kill()
    },
  }
}

function isError(line: string): boolean {
  return line.includes('"level":"error"')
}

async function start(
  kind: 'broker' | 'nameserver',
  healthPort: number,
  { services, logFile, flags = [] }: OursOptions,
): Promise<ServiceProcess> {
  const process = launch({
    main: join(services, `${kind}.mjs`),
    flags: [`--health-port=${healthPort}`, ...flags],
    healthUrl: `http://127.0.0.1:${healthPort}`,
    logFile,
  })
  await process.ready()
  return process
}
