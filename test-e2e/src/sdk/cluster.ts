// The cluster that the clients meet: two brokers, two proxies with a certificate of a trusted authority, and a third
// proxy that may not create topics.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePortList } from '../free-ports.ts'
import { type ClusterNode, startCluster } from '../process-cluster.ts'
import { launch } from '../server.ts'
import { createCertificates } from './certificates.ts'
import { createRmq, type Rmq } from './rmq.ts'

export interface SdkCluster {
  /** `host:port` of the proxies that clients connect to in turn. */
  readonly endpoints: readonly string[]
  /** `host:port` of the proxy that refuses unknown topics. */
  readonly strictEndpoints: string
  /** Path of the authority's certificate. */
  readonly trusted: string
  readonly rmq: Rmq
  /** What our servers tell of themselves, where they are ours. */
  readonly inside: Inside | undefined
  stop(): Promise<void>
}

export interface Inside {
  readonly brokers: readonly ClusterNode[]
  readonly proxies: readonly ClusterNode[]
  readonly nodes: readonly ClusterNode[]
  readonly readySince: Date
}

/** Starts it in the folder, from the bundles in `services`; resolves when all are ready. */
export async function startSdkCluster(folder: string, services: string): Promise<SdkCluster> {
  mkdirSync(folder, { recursive: true })
  const certificates = await createCertificates(folder)
  const logFolder = join(folder, 'logs')
  const cluster = await startCluster({
    brokers: 2,
    proxies: 2,
    folder,
    logFolder,
    flush: 'async',
    services,
    proxyFlags: [`--tls-cert-path=${certificates.certificate}`, `--tls-key-path=${certificates.key}`],
  })
  await cluster.ready()
  const nameservers = cluster.nameservers.map(({ address }) => address).join(';')
  const [port = 0, healthPort = 0] = await freePortList(2)
  const strict = launch({
    main: join(services, 'proxy.mjs'),
    flags: [
      `--namesrv-addr=${nameservers}`,
      `--grpc-server-port=${port}`,
      `--health-port=${healthPort}`,
      `--tls-self-signed-folder=${join(folder, 'strict-proxy')}`,
    ],
    healthUrl: `http://127.0.0.1:${healthPort}`,
    logFile: join(logFolder, 'strict-proxy.log'),
  })
  await strict.ready()
  return {
    endpoints: cluster.proxies.map(({ address }) => address),
    strictEndpoints: `127.0.0.1:${port}`,
    trusted: certificates.trusted,
    rmq: createRmq(services, nameservers),
    inside: { brokers: cluster.brokers, proxies: cluster.proxies, nodes: cluster.nodes, readySince: new Date() },
    async stop() {
      await strict.stop()
      await cluster.stop()
    },
  }
}
