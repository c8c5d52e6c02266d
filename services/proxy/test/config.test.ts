import { expect, test } from '@jest/globals'
import { formatFaults, parseConfig, readConfigFile, readFlags } from '@rocketmq-ts/config'
import { proxyConfig } from '../src/config.ts'

function read(content: string) {
  return parseConfig(proxyConfig, { file: readConfigFile('rmq-proxy.json', Buffer.from(content)) })
}

function faultsOf(...argv: string[]): string {
  const result = parseConfig(proxyConfig, { flags: readFlags(proxyConfig, argv) })
  return result.ok ? '' : formatFaults(result.faults)
}

test("file: as Apache's proxies have it → taken, each property without an effect told", () => {
  const result = read(
    JSON.stringify(
      {
        rocketMQClusterName: 'DefaultCluster',
        proxyMode: 'cluster',
        namesrvAddr: '10.0.0.1:9876;10.0.0.2:9876',
        grpcServerPort: 8082,
        remotingListenPort: 8080,
        grpcMaxInboundMessageSize: 136_314_880,
        maxUserPropertySize: 16_384,
        grpcThreadPoolNums: 64,
        enableProxyAutoRenew: true,
      },
      null,
      2,
    ),
  )
  expect(result).toMatchObject({ ok: true, config: { grpcServerPort: 8082, grpcMaxInboundMessageSize: 136_314_880 } })
  expect(result.warnings.map(({ source, name }) => `${source} ${name}`)).toEqual([
    'rmq-proxy.json:2 rocketMQClusterName',
    'rmq-proxy.json:6 remotingListenPort',
    'rmq-proxy.json:9 grpcThreadPoolNums',
  ])
})

test.each([
  ['{"proxyMode": "LOCAL"}', 'npm start runs all services in one process'],
  ['{"enableACL": true}', 'everybody could do everything'],
  ['{"authenticationEnabled": "true"}', 'everybody could do everything'],
  ['{"tlsKeyPassword": "s3cret"}', 'tlsKeyPassword: what is given is not offered'],
  ['{"enableProxyAutoRenew": false}', 'remove it, or set it to true'],
  ['{\n"grpcServerPrt": 1}', 'rmq-proxy.json:2: grpcServerPrt: is not a setting; is grpcServerPort meant?'],
])('file: %j → a fault that says %j', (content, expected) => {
  const result = read(content)
  expect(result.ok ? '' : formatFaults(result.faults)).toContain(expected)
})

test.each([
  [['--namesrv-addr=host'], "--namesrv-addr: 'host' is not host:port; part addresses with ;"],
  [['--advertised-endpoints=a:1;b:2'], 'clients take only one domain name'],
  [['--tls-key-path=/key.pem'], '--tls-cert-path: is not set, but tlsKeyPath is; set both'],
  [['--tls-cert-path=/cert.pem'], '--tls-key-path: is not set, but tlsCertPath is; set both'],
  [
    ['--renew-ahead-time-millis=2min'],
    '--renew-ahead-time-millis: 120000 is more than defaultInvisibleTimeMills, which is 60000',
  ],
  [
    ['--grpc-max-inbound-message-size=4MiB'],
    'has no room for a body of maxMessageSize, which is 4194304; give 4259840 or more',
  ],
])('settings: %j → a fault that says %j', (argv, expected) => {
  expect(faultsOf(...argv)).toContain(expected)
})

test('settings: a smaller body with smaller requests → taken', () => {
  expect(faultsOf('--max-message-size=1MiB', '--grpc-max-inbound-message-size=2MiB')).toBe('')
})
