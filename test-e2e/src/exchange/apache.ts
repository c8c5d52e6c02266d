// Apache's broker of Maven Central, as a process in a folder: what an operator has who comes from it or goes back to it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clusterInfo } from '../apache/cluster-info.ts'
import { startJavaServer } from '../apache/java-server.ts'
import type { BrokerLife, BrokerPlace } from './broker-place.ts'
import { connectRemoting } from './remoting-client.ts'

const GET_BROKER_RUNTIME_INFO = 28
const HEAP = ['-Xms512m', '-Xmx1g', '-XX:MaxDirectMemorySize=1g']
/** Of its loggers, those of the store and of what it reads from there. */
const COMPLAINT = / ERROR +Rocketmq(?:Store|Broker|Pop)/

export interface ApacheOptions {
  readonly classPath: string
  /** Gets its settings and its log; user.home of the process. */
  readonly home: string
  /** Further lines of broker.conf, e.g. sizes of files. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
}

/** Starts it; resolves when it answers, and has registered: topics made before that are refused by the nameserver. */
export async function startApacheBroker(place: BrokerPlace, options: ApacheOptions): Promise<BrokerLife> {
  const { classPath, home, settings = {} } = options
  mkdirSync(home, { recursive: true })
  const config = {
    brokerClusterName: 'DefaultCluster',
    brokerName: place.brokerName,
    brokerId: 0,
    brokerIP1: '127.0.0.1',
    namesrvAddr: `127.0.0.1:${place.nameserverPort}`,
    listenPort: place.port,
    haListenPort: place.haPort,
    storePathRootDir: place.folder,
    storePathCommitLog: join(place.folder, 'commitlog'),
    mappedFileSizeCommitLog: place.segmentBytes,
    brokerRole: 'ASYNC_MASTER',
    flushDiskType: 'ASYNC_FLUSH',
    autoCreateTopicEnable: true,
    autoCreateSubscriptionGroup: true,
    diskMaxUsedSpaceRatio: 95,
    waitTimeMillsInSendQueue: 5000,
    enableCompaction: false,
    ...settings,
  }
  const configFile = join(home, 'broker.conf')
  writeFileSync(
    configFile,
    Object.entries(config)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const server = startJavaServer({
    name: "Apache's broker",
    classPath,
    home,
    heap: HEAP,
    main: ['org.apache.rocketmq.broker.BrokerStartup', '-c', configFile],
  })
  const readyMs = await server.ready(async () => (await answersRemoting(place.port)) && (await isRegistered(place)))
  return {
    kind: 'Apache',
    readyMs,
    complaints: () => complaintsIn(server.output),
    stop: () => server.stop(),
    kill: () => server.kill(),
  }
}

/** Whether a broker answers there. */
async function answersRemoting(port: number): Promise<boolean> {
  const client = await connectRemoting(port)
  const { code } = await client.ask(GET_BROKER_RUNTIME_INFO).finally(() => client.close())
  return code === 0
}

/** Whether the nameserver has heard of all its topics. */
async function isRegistered({ nameserverPort, brokerName }: BrokerPlace): Promise<boolean> {
  return (await clusterInfo(nameserverPort)).includes(`"${brokerName}"`)
}

/** Each with the line behind it, where Java says which exception it was. */
function complaintsIn(output: string): string[] {
  const lines = output.split('\n')
  return lines.flatMap((line, index) => (COMPLAINT.test(line) ? `${line} | ${lines[index + 1] ?? ''}` : []))
}
