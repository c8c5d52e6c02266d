// Settings of the standalone server: few, and chosen so that nothing has to be set to get started.
import { bool, type ConfigFault, type ConfigOf, defineConfig, oneOf, port, text } from '@rocketmq-ts/config'

export const standaloneConfig = defineConfig(
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
    brokerPort: port({ default: 10911, help: 'Broker: remoting for 4.x clients.' }),
    nameserverPort: port({ default: 9876, help: 'NameServer: remoting for 4.x clients and mqadmin.' }),
    healthPort: port({ default: 8088, help: 'HTTP on loopback: /livez, /readyz, /metrics.' }),
    flush: oneOf(['sync', 'async'], {
      default: 'async',
      help: 'When a send is acknowledged: on disk (sync), or written to the operating system (async).',
    }),
    logLevel: oneOf(['debug', 'info', 'warn', 'error'], {
      default: 'info',
      help: 'The least urgent log lines written.',
    }),
  },
  { envPrefix: 'ROCKETMQ_TS_STANDALONE_' },
)
export type StandaloneConfig = ConfigOf<typeof standaloneConfig>

/** What the types can not say: ports must differ, and an open address needs a decision. */
export function checkSettings(config: StandaloneConfig): ConfigFault[] {
  const faults: ConfigFault[] = []
  if (!isLoopback(config.host) && !config.allowOpen) {
    const reason = `${config.host} can be reached by other machines, and there is no authentication; add --allow-open to accept that`
    faults.push({ source: '--host', reason })
  }
  const ports = portFlags(config).filter(({ port }) => port !== 0)
  for (const [index, { flag, port }] of ports.entries()) {
    const earlier = ports.slice(0, index).find((other) => other.port === port)
    if (earlier !== undefined) faults.push({ source: flag, reason: `${port} is the port of ${earlier.flag} already` })
  }
  return faults
}

/** Each port with its flag, for messages. */
export function portFlags(config: StandaloneConfig): readonly { readonly flag: string; readonly port: number }[] {
  return [
    { flag: '--grpc-port', port: config.grpcPort },
    { flag: '--broker-port', port: config.brokerPort },
    { flag: '--nameserver-port', port: config.nameserverPort },
    { flag: '--health-port', port: config.healthPort },
  ]
}

/** Only this machine can connect to the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
