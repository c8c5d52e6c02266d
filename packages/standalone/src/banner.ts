// What a person reads after the start: where to connect, and three lines that work.

/** Addresses as clients use them. */
export interface Endpoints {
  readonly grpc: string
  readonly broker: string
  readonly nameserver: string
  readonly health: string
}

export interface BannerOptions {
  readonly version: string
  readonly endpoints: Endpoints
  readonly dataDir: string
  readonly ephemeral: boolean
  readonly flush: 'sync' | 'async'
  readonly startMs: number
}

/** Endpoints and a quick start, as lines of plain text. */
export function bannerOf({ version, endpoints, dataDir, ephemeral, flush, startMs }: BannerOptions): string {
  const { grpc, broker, nameserver, health } = endpoints
  return `
rocketmq-ts ${version} is ready after ${Math.round(startMs)} ms. Stop it with Ctrl-C.

  5.x SDKs    ${grpc.padEnd(24)} endpoints (gRPC, proxy)
  rmq         ${nameserver.padEnd(24)} nameserver; the broker is ${broker}
  Health      http://${health.padEnd(17)} /livez /readyz /metrics
  Data        ${dataDir} (${ephemeral ? 'removed at the end' : `flush ${flush}`})

  npm i rocketmq-client-nodejs, then in a .mjs file:
    import { Producer } from 'rocketmq-client-nodejs'
    const producer = new Producer({ endpoints: '${grpc}' }); await producer.startup()
    console.log(await producer.send({ topic: 'hello', body: Buffer.from('Hello!') })); await producer.shutdown()

`
}
