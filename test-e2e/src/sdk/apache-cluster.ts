// Apache's nameserver, broker and proxy of Maven Central, for the same programs: what they do there tells a feature that
// a client does not have from one that we do not serve.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchApache } from '../apache/class-path.ts'
import { clusterInfo } from '../apache/cluster-info.ts'
import { type JavaServer, startJavaServer } from '../apache/java-server.ts'
import { startApacheBroker } from '../exchange/apache.ts'
import { brokerPorts } from '../exchange/broker-place.ts'
import { connectRemoting, type RemotingClient } from '../exchange/remoting-client.ts'
import { createGroup, createTopic, type GroupSettings } from '../exchange/requests.ts'
import { freePortList } from '../free-ports.ts'
import { createCertificates } from './certificates.ts'
import type { SdkCluster } from './cluster.ts'
import { createRmq, type Rmq } from './rmq.ts'

const BROKER_NAME = 'broker-1'
const SEGMENT_BYTES = 64 * 1024 * 1024
const SMALL_HEAP = ['-Xms64m', '-Xmx256m']
const PROXY_HEAP = ['-Xms256m', '-Xmx512m', '-XX:MaxDirectMemorySize=512m']
/** Waits of the scenarios are shorter than what Apache takes by default, and recall is off there. */
const BROKER_SETTINGS = {
  enablePropertyFilter: true,
  recallMessageEnable: true,
  transactionCheckInterval: 5000,
}
const POLL_MS_MIN = 500

type ProxyConfig = Readonly<Record<string, string | number | boolean>> & { readonly namesrvAddr: string }

/** Starts one of each in the folder; resolves when a client is answered by the proxy. `services`: where `rmq` is. */
export async function startApacheCluster(folder: string, services: string): Promise<SdkCluster> {
  mkdirSync(folder, { recursive: true })
  const classPath = await fetchApache('proxy')
  const certificates = await createCertificates(folder)
  const [nameserverPort = 0, grpcPort = 0, remotingPort = 0] = await freePortList(3)
  const nameserver = await startNameserver(classPath, join(folder, 'nameserver'), nameserverPort)
  const { port, haPort } = await brokerPorts()
  const broker = await startApacheBroker(
    {
      folder: join(folder, 'store'),
      brokerName: BROKER_NAME,
      port,
      haPort,
      nameserverPort,
      segmentBytes: SEGMENT_BYTES,
    },
    { classPath, home: join(folder, 'broker'), settings: BROKER_SETTINGS },
  )
  const nameservers = `127.0.0.1:${nameserverPort}`
  const proxy = await startProxy(classPath, join(folder, 'proxy'), {
    rocketMQClusterName: 'DefaultCluster',
    namesrvAddr: nameservers,
    grpcServerPort: grpcPort,
    remotingListenPort: remotingPort,
    enablePrintJstack: false,
    grpcClientConsumerMinLongPollingTimeoutMillis: POLL_MS_MIN,
    tlsTestModeEnable: false,
    tlsKeyPath: certificates.key,
    tlsCertPath: certificates.certificate,
  })
  const endpoints = `127.0.0.1:${grpcPort}`
  return {
    endpoints: [endpoints],
    // Its proxy creates no topics.
    strictEndpoints: endpoints,
    trusted: certificates.trusted,
    rmq: { ...createRmq(services, nameservers), ...adminOf(port) },
    inside: undefined,
    async stop() {
      await proxy.kill()
      await broker.kill()
      await nameserver.kill()
    },
  }
}

/** What has settings of ours in the command line, as Apache's own tool asks for it. */
function adminOf(
  brokerPort: number,
): Pick<
  Rmq,
  'createTopic' | 'createDedupTopic' | 'createGroup' | 'createOrderedGroup' | 'createDisabledGroup' | 'orderGroup'
> {
  async function withBroker(work: (client: RemotingClient) => Promise<void>): Promise<void> {
    const client = await connectRemoting(brokerPort)
    await work(client).finally(() => client.close())
  }
  const setGroup = (group: string, settings: GroupSettings) =>
    withBroker((client) => createGroup(client, group, settings))
  return {
    createTopic: (topic, queues, type) => withBroker((client) => createTopic(client, topic, queues, type)),
    createDedupTopic: (topic) => withBroker((client) => createTopic(client, topic, 1)), // as far as it goes there
    createGroup: (group, maxAttempts) => setGroup(group, { retryMaxTimes: maxAttempts - 1 }),
    createOrderedGroup: (group) => setGroup(group, { consumeMessageOrderly: true }),
    createDisabledGroup: (group) => setGroup(group, { consumeEnable: false }),
    orderGroup: (group) => setGroup(group, { consumeMessageOrderly: true }),
  }
}

async function startNameserver(classPath: string, home: string, port: number): Promise<JavaServer> {
  mkdirSync(home, { recursive: true })
  const configFile = join(home, 'namesrv.conf')
  writeFileSync(configFile, `listenPort=${port}\n`)
  const main = ['org.apache.rocketmq.namesrv.NamesrvStartup', '-c', configFile]
  const server = startJavaServer({ name: "Apache's nameserver", classPath, home, heap: SMALL_HEAP, main })
  await server.ready(async () => (await clusterInfo(port)) !== undefined)
  return server
}

async function startProxy(classPath: string, home: string, config: ProxyConfig): Promise<JavaServer> {
  mkdirSync(home, { recursive: true })
  const configFile = join(home, 'rmq-proxy.json')
  writeFileSync(configFile, JSON.stringify(config))
  const { namesrvAddr } = config
  const main = ['org.apache.rocketmq.proxy.ProxyStartup', '-pm', 'cluster', '-n', namesrvAddr, '-pc', configFile]
  const server = startJavaServer({ name: "Apache's proxy", classPath, home, heap: PROXY_HEAP, main })
  // The last line of its start.
  await server.ready(() => Promise.resolve(/rocketmq-proxy startup successfully/.test(server.output)))
  return server
}
