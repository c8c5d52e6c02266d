// What several settings of the proxy must agree on, and texts with a form of their own.
import { MqError } from '@rocketmq-ts/model'
import { parseEndpoints } from './rpc/endpoints.ts'

const KIB = 1024
/** What a request needs beside its body: names, properties, frames. */
const REQUEST_BYTES_MORE = 64 * KIB
const ADDRESS = /^(?:\[[^\]]+\]|[^:[\]\s]+):\d{1,5}$/

interface Checked {
  readonly namesrvAddr: string
  readonly advertisedEndpoints: string
  readonly tlsMode: string
  readonly tlsCertPath: string
  readonly tlsKeyPath: string
  readonly grpcMaxInboundMessageSize: number
  readonly maxMessageSize: number
  readonly minInvisibleTimeMillsForRecv: number
  readonly maxInvisibleTimeMills: number
  readonly renewAheadTimeMillis: number
  readonly defaultInvisibleTimeMills: number
  readonly grpcClientProducerBackoffInitialMillis: number
  readonly grpcClientProducerBackoffMaxMillis: number
}

interface Fault {
  readonly key: keyof Checked
  readonly reason: string
  readonly remedy: string
}

/** Faults of settings that are right each for itself. */
export function checkProxyConfig(config: Checked): Fault[] {
  return [...addressFaults(config), ...endpointFaults(config), ...tlsFaults(config), ...orderFaults(config)]
}

function addressFaults({ namesrvAddr }: Checked): Fault[] {
  const wrong = namesrvAddr.split(';').find((address) => !ADDRESS.test(address.trim()))
  if (wrong === undefined) return []
  return [{ key: 'namesrvAddr', reason: `'${wrong}' is not host:port`, remedy: 'part addresses with ;' }]
}

function endpointFaults({ advertisedEndpoints }: Checked): Fault[] {
  try {
    parseEndpoints(advertisedEndpoints)
    return []
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    return [{ key: 'advertisedEndpoints', reason: error.message, remedy: 'leave it empty to name what clients used' }]
  }
}

function tlsFaults({ tlsMode, tlsCertPath, tlsKeyPath }: Checked): Fault[] {
  if (tlsMode === 'disabled' || (tlsCertPath === '') === (tlsKeyPath === '')) return []
  const [key, other] =
    tlsCertPath === '' ? (['tlsCertPath', 'tlsKeyPath'] as const) : (['tlsKeyPath', 'tlsCertPath'] as const)
  return [{ key, reason: `is not set, but ${other} is`, remedy: 'set both, or none for a self-signed certificate' }]
}

function orderFaults(config: Checked): Fault[] {
  const { maxMessageSize, grpcMaxInboundMessageSize: requestMax } = config
  const orders: readonly (readonly [keyof Checked, number, keyof Checked])[] = [
    ['minInvisibleTimeMillsForRecv', config.minInvisibleTimeMillsForRecv, 'maxInvisibleTimeMills'],
    ['renewAheadTimeMillis', config.renewAheadTimeMillis, 'defaultInvisibleTimeMills'],
    [
      'grpcClientProducerBackoffInitialMillis',
      config.grpcClientProducerBackoffInitialMillis,
      'grpcClientProducerBackoffMaxMillis',
    ],
  ]
  const faults = orders
    .filter(([, value, above]) => value > Number(config[above]))
    .map(([key, value, above]): Fault => {
      return { key, reason: `${value} is more than ${above}, which is ${config[above]}`, remedy: 'lower it' }
    })
  if (requestMax >= maxMessageSize + REQUEST_BYTES_MORE) return faults
  const reason = `${requestMax} has no room for a body of maxMessageSize, which is ${maxMessageSize}`
  return [
    ...faults,
    { key: 'grpcMaxInboundMessageSize', reason, remedy: `give ${maxMessageSize + REQUEST_BYTES_MORE} or more` },
  ]
}
