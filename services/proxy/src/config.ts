// Settings of the proxy. Names are those of Apache's rmq-proxy.json wherever it has the setting.
import {
  bool,
  bytes,
  type ConfigOf,
  defineConfig,
  durationMs,
  integer,
  memoryBudget,
  oneOf,
  port,
  text,
} from '@rocketmq-ts/config'
import { apacheProxySettings } from './apache-settings.ts'
import { checkProxyConfig } from './config-check.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SECOND = 1000
const HOUR = 3600 * SECOND

/** Schema of the proxy's settings; `parseConfig` gives `ProxyConfig`. */
export const proxyConfig = defineConfig(
  {
    namesrvAddr: text({ default: '127.0.0.1:9876', help: 'Nameservers, host:port separated by semicolons.' }),
    grpcServerHost: text({
      default: '127.0.0.1',
      help: 'Address the gRPC port is bound to. There is no authentication: name another only in a trusted network.',
    }),
    grpcServerPort: port({ default: 8081, help: 'gRPC port for clients; 0 takes a free one.' }),
    healthHost: text({ default: '127.0.0.1', help: 'Address of the health port.' }),
    healthPort: port({ default: 8088, help: 'HTTP: /livez, /readyz, /metrics; 0 turns it off.' }),
    tlsMode: oneOf(['disabled', 'permissive', 'enforcing'], {
      default: 'permissive',
      help: 'TLS on the gRPC port: never, beside plaintext, or only.',
    }),
    tlsCertPath: text({ default: '', mayBeEmpty: true, help: 'Certificate (PEM); without one, one is made and kept.' }),
    tlsKeyPath: text({ default: '', mayBeEmpty: true, help: 'Private key (PEM) of the certificate.' }),
    tlsSelfSignedFolder: text({ default: './data/proxy', help: 'Folder that keeps the certificate that was made.' }),
    advertisedEndpoints: text({
      default: '',
      mayBeEmpty: true,
      help: 'host:port list (semicolons) that routes name instead of what each client connected to.',
    }),
    autoCreateTopic: bool({ default: false, help: 'Create unknown topics when a client asks for their route.' }),
    defaultTopicQueueNums: integer({ default: 4, min: 1, max: 1024, help: 'Queues of a created topic per broker.' }),
    grpcMaxInboundMessageSize: bytes({
      // Apache's 130 MiB are 32 largest messages in a request. No SDK sends more than one largest body at a time, and
      // each request that is begun may take this much memory.
      default: 4 * MIB + 256 * KIB,
      min: 64 * KIB,
      max: 256 * MIB,
      help: 'Largest request: a largest body, its properties, and what goes with them.',
    }),

    // Brokers take no more.
    maxMessageSize: bytes({ default: 4 * MIB, min: 1, max: 4 * MIB, help: 'Largest message body.' }),
    userPropertyMaxNum: integer({ default: 128, min: 0, max: 4096, help: 'Most user properties of a message.' }),
    maxUserPropertySize: bytes({ default: 16 * 1024, min: 0, max: 32 * 1024, help: 'Properties, tag and keys.' }),
    messagesPerSendMax: integer({ default: 1024, min: 1, max: 65_536, help: 'Most messages of one send.' }),

    grpcClientConsumerMaxLongPollingTimeoutMillis: durationMs({
      default: 20 * SECOND,
      min: SECOND,
      max: 60 * SECOND,
      help: 'Longest wait of a receive.',
    }),
    grpcClientConsumerLongPollingBatchSize: integer({ default: 32, min: 1, max: 32, help: 'Largest batch.' }),
    longPollingReserveTimeInMillis: durationMs({
      default: 100,
      max: SECOND,
      help: 'Answer so long before a deadline.',
    }),
    minInvisibleTimeMillsForRecv: durationMs({ default: 10 * SECOND, help: 'Shortest invisible time of a receive.' }),
    maxInvisibleTimeMills: durationMs({ default: 12 * HOUR, max: 24 * HOUR, help: 'Longest invisible time.' }),

    defaultInvisibleTimeMills: durationMs({
      default: 60 * SECOND,
      min: 20 * SECOND,
      help: 'First invisible time of messages that the proxy renews.',
    }),
    renewAheadTimeMillis: durationMs({ default: 10 * SECOND, min: SECOND, help: 'Renew so long before the end.' }),
    renewMaxTimeMillis: durationMs({ default: 3 * HOUR, help: 'Renew one delivery no longer than this.' }),
    maxRenewRetryTimes: integer({ default: 3, min: 1, max: 100, help: 'Failed renewals in a row that end it.' }),
    invisibleTimeMillisWhenClear: durationMs({ default: SECOND, help: 'Release what a gone client held after this.' }),
    heldMessagesMax: integer({
      default: 0,
      help: 'Most messages renewed at the same time; 0 takes what the memory budget has room for.',
    }),

    maxDelayTimeMills: durationMs({
      default: 40 * 24 * HOUR,
      max: 365 * 24 * HOUR,
      help: "Furthest time that a message may be delayed to; 0 leaves it to the brokers. Apache's proxy has a day.",
    }),

    channelExpiredTimeout: durationMs({ default: 120 * SECOND, min: SECOND, help: 'A silent client is gone.' }),
    clientsMax: integer({ default: 100_000, min: 1, help: 'Most clients known at the same time.' }),
    requestsInFlightMax: integer({ default: 20_000, min: 1, help: 'Most calls answered at the same time.' }),
    receivesInFlightMax: integer({ default: 100_000, min: 1, help: 'Most receives waiting at the same time.' }),
    mqClientAsyncTimeoutMillis: durationMs({ default: 3 * SECOND, min: 100, help: 'Give up a broker after this.' }),

    grpcClientProducerMaxAttempts: integer({ default: 3, min: 1, max: 100, help: 'Send attempts of producers.' }),
    grpcClientProducerBackoffInitialMillis: durationMs({ default: 10, min: 1, help: 'First pause between attempts.' }),
    grpcClientProducerBackoffMaxMillis: durationMs({
      default: SECOND,
      min: 1,
      help: 'Longest pause between attempts.',
    }),
    grpcClientProducerBackoffMultiplier: integer({ default: 2, min: 1, max: 10, help: 'Growth of the pause.' }),
    memoryBudget: memoryBudget(),
  },
  { envPrefix: 'ROCKETMQ_TS_PROXY_', foreign: apacheProxySettings, check: checkProxyConfig },
)
export type ProxyConfig = ConfigOf<typeof proxyConfig>
