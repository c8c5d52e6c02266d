// Settings of the nameserver. Names are those of Apache's namesrv.conf wherever it has the setting.
import {
  bool,
  bytes,
  type ConfigOf,
  defineConfig,
  durationMs,
  integer,
  memoryBudget,
  port,
  text,
} from '@rocketmq-ts/config'
import { apacheNameServerSettings } from './apache-settings.ts'

const MIB = 1024 * 1024
const SECOND = 1000
const DAY = 86_400 * SECOND

/** Schema of the nameserver's settings; `parseConfig` gives `NameServerConfig`. */
export const nameServerConfig = defineConfig(
  {
    listenHost: text({
      default: '127.0.0.1',
      aliases: ['bindAddress'],
      help: 'Address the port is bound to. There is no authentication: name another only in a trusted network.',
    }),
    listenPort: port({ default: 9876, help: 'Remoting port for brokers and clients; 0 takes a free one.' }),
    healthHost: text({ default: '127.0.0.1', help: 'Address of the health port.' }),
    healthPort: port({ default: 8089, help: 'HTTP: /livez, /readyz, /metrics; 0 turns it off.' }),
    brokerTimeoutMs: durationMs({
      default: 120 * SECOND,
      min: SECOND,
      max: DAY,
      help: 'Silence after which a broker that names no time-out of its own is dropped from the routes.',
    }),
    deleteTopicWithBrokerRegistration: bool({
      default: false,
      help: 'Drop topics that a master no longer announces. Only for brokers that always announce all topics.',
    }),
    enableAllTopicList: bool({ default: true, help: 'Answer requests for the names of all topics.' }),
    brokersMax: integer({ default: 4096, min: 1, max: 65_536, help: 'Most broker addresses; more are refused.' }),
    topicsMax: integer({ default: 200_000, min: 1, max: 10_000_000, help: 'Most topics; more are refused.' }),
    registerBodyBytesMax: bytes({
      default: 64 * MIB,
      min: MIB,
      max: 1024 * MIB,
      help: 'Largest announcement of topics, after decompression.',
    }),
    memoryBudget: memoryBudget(),
  },
  { envPrefix: 'ROCKETMQ_TS_NAMESERVER_', foreign: apacheNameServerSettings },
)
export type NameServerConfig = ConfigOf<typeof nameServerConfig>
