// A broker whose folder, starts and ends are the caller's: it is stopped, killed and started again on the same bytes.
import { join } from 'node:path'
import { freePorts, isReady } from './http.ts'
import { BROKER_ENVIRONMENT, BROKER_NODE_FLAGS, startProcess, type ServerProcess } from './server-process.ts'

const HOST = '127.0.0.1'
/** As it is called without a setting. */
export const BROKER_NAME = 'broker-a'

export interface BrokerAlone {
  /** host:port of the broker. */
  readonly address: string
  /** Starts it on its folder; rejects when it is not ready in time. */
  start(): Promise<ServerProcess>
  /** Ends its nameserver. The broker must have ended. */
  stop(): Promise<void>
}

/** A nameserver that stays, and the ports of a broker that comes and goes. */
export async function prepareBroker(options: {
  /** Folder of bundles, see `bundles.ts`. */
  readonly bundles: string
  /** For logs. */
  readonly folder: string
  /** storePathRootDir. */
  readonly store: string
  readonly cores: string | undefined
}): Promise<BrokerAlone> {
  const { bundles, folder, store, cores } = options
  const [nameserverPort = 0, nameserverHealth = 0, port = 0, health = 0] = await freePorts(4)
  const common = { cores, compileCache: join(bundles, 'compiled') }
  const nameserver = await startProcess({
    ...common,
    name: 'nameserver',
    args: [join(bundles, 'nameserver.mjs'), `--listen-port=${nameserverPort}`, `--health-port=${nameserverHealth}`],
    logFile: join(folder, 'nameserver.log'),
    isReady: () => isReady(nameserverHealth),
  })
  return {
    address: `${HOST}:${port}`,
    start: () =>
      startProcess({
        ...common,
        name: 'broker',
        environment: BROKER_ENVIRONMENT,
        args: [
          ...BROKER_NODE_FLAGS,
          join(bundles, 'broker.mjs'),
          `--namesrv-addr=${HOST}:${nameserverPort}`,
          `--listen-port=${port}`,
          `--health-port=${health}`,
          `--store-path-root-dir=${store}`,
        ],
        logFile: join(folder, 'broker.log'),
        isReady: () => isReady(health),
      }),
    stop: () => nameserver.stop(),
  }
}
