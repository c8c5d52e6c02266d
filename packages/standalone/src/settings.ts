// Settings of the standalone server: few of its own, chosen so that nothing has to be set to get started, and all those
// of the services as its parts.
import { brokerConfig } from '@rocketmq-ts/broker'
import { bool, type ConfigOf, defineConfig, memoryBudget, oneOf, port, text, withParts } from '@rocketmq-ts/config'
import { nameServerConfig } from '@rocketmq-ts/nameserver'
import { proxyConfig } from '@rocketmq-ts/proxy'

/** Ports by the setting that chooses each, with its flag. */
const PORT_FLAGS = {
  grpcPort: '--grpc-port',
  brokerPort: '--broker-port',
  nameserverPort: '--nameserver-port',
  healthPort: '--health-port',
} as const
type PortKey = keyof typeof PORT_FLAGS

/** What the server itself is told. */
export const ownSettings = defineConfig(
  {
    dataDir: text({ default: './data', help: 'Folder that keeps messages and settings.' }),
    ephemeral: bool({
      default: false,
      help: 'Keeps everything in a new folder inside of --data-dir, or of the temporary files without one, and removes it at the end.',
    }),
    host: text({ default: '127.0.0.1', help: 'Address that the ports for clients are bound to.' }),
    allowOpen: bool({
      default: false,
      help: 'Allows a --host that other machines can reach: there is no authentication.',
    }),
    grpcPort: port({ default: 8081, help: 'Proxy: gRPC for 5.x SDKs. 0 takes a free port.' }),
    brokerPort: port({ default: 10911, help: 'Broker: remoting, for rmq and other proxies.' }),
    nameserverPort: port({ default: 9876, help: 'NameServer: remoting, for rmq, other brokers and proxies.' }),
    healthPort: port({ default: 8088, help: 'HTTP on loopback: /livez, /readyz, /metrics.' }),
    flush: oneOf(['sync', 'async'], {
      default: 'async',
      help: 'When a send is acknowledged: on disk (sync), or written to the operating system (async).',
    }),
    logLevel: oneOf(['debug', 'info', 'warn', 'error'], {
      default: 'info',
      help: 'The least urgent log lines written.',
    }),
    memoryBudget: memoryBudget(),
  },
  { envPrefix: 'ROCKETMQ_TS_STANDALONE_', check: checkSettings },
)

const ON_LOOPBACK = 'the server: it is on loopback'
const HEALTH = { healthHost: ON_LOOPBACK, healthPort: '--health-port' }

/** Everything that can be set: `--broker.max-message-size 1MiB`, in a file `broker.maxMessageSize`. */
export const standaloneConfig = withParts(ownSettings, {
  nameserver: {
    schema: nameServerConfig,
    decided: { listenHost: '--host', listenPort: '--nameserver-port', ...HEALTH },
  },
  broker: {
    schema: brokerConfig,
    decided: {
      listenHost: '--host',
      listenPort: '--broker-port',
      namesrvAddr: 'the server: its nameserver is in the same process',
      storePathRootDir: '--data-dir',
      storePathCommitLog: '--data-dir',
      storePathClaimRoot: '--data-dir',
      flushDiskType: '--flush',
      ...HEALTH,
    },
  },
  proxy: {
    schema: proxyConfig,
    defaults: { autoCreateTopic: true },
    decided: {
      grpcServerHost: '--host',
      grpcServerPort: '--grpc-port',
      namesrvAddr: 'the server: its nameserver is in the same process',
      tlsSelfSignedFolder: '--data-dir',
      ...HEALTH,
    },
  },
})
export type StandaloneConfig = ConfigOf<typeof standaloneConfig>

/** Names of the parts, as flags begin with them. */
export const PARTS = ['nameserver', 'broker', 'proxy'] as const

/** What the types can not say: ports must differ, and an open address needs a decision. */
function checkSettings(
  config: Readonly<Record<PortKey, number>> & { readonly host: string; readonly allowOpen: boolean },
) {
  const faults: { readonly key: PortKey | 'host'; readonly reason: string; readonly remedy: string }[] = []
  if (!isLoopback(config.host) && !config.allowOpen) {
    const reason = `${config.host} can be reached by other machines, and there is no authentication`
    faults.push({ key: 'host', reason, remedy: 'add --allow-open to accept that' })
  }
  const ports = (Object.keys(PORT_FLAGS) as PortKey[]).filter((key) => config[key] !== 0)
  for (const [index, key] of ports.entries()) {
    const earlier = ports.slice(0, index).find((other) => config[other] === config[key])
    if (earlier === undefined) continue
    const reason = `${config[key]} is the port of ${PORT_FLAGS[earlier]} already`
    faults.push({ key, reason, remedy: 'choose another' })
  }
  return faults
}

/** Only this machine can connect to the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
