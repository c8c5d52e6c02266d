// QueryRoute and QueryAssignment as any client may ask them, over the .proto files of the official Node SDK: with TLS or
// in plaintext, and with whatever endpoints the client believes to be connected to.
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expectThat } from '../steps.ts'

const SDK_FOLDER = dirname(createRequire(import.meta.url).resolve('rocketmq-client-nodejs/package.json'))
const RPC_MS_MAX = 5_000

export type Scheme = 'IPv4' | 'IPv6' | 'DOMAIN_NAME'

export interface Endpoints {
  readonly scheme: Scheme
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
}

interface Queue {
  readonly broker: { readonly name: string; readonly endpoints: Endpoints }
}

export interface Route {
  readonly status: { readonly code: string; readonly message: string }
  readonly message_queues: readonly Queue[]
}

interface Assignments {
  readonly status: Route['status']
  readonly assignments: readonly { readonly message_queue: Queue }[]
}

export interface RouteQuery {
  /** Where to connect, as grpc-js writes it. */
  readonly target: string
  readonly transport: 'TLS' | 'plaintext'
  readonly topic: string
  readonly endpoints: Endpoints
}

const service = loadSync('apache/rocketmq/v2/service.proto', {
  includeDirs: [join(SDK_FOLDER, 'proto')],
  keepCase: true,
  enums: String,
  longs: String,
  defaults: true,
})['apache.rocketmq.v2.MessagingService'] as ServiceDefinition

/** The whole answer: what every client asks first. */
export function queryRoute(query: RouteQuery): Promise<Route> {
  return ask('QueryRoute', query, {})
}

/** The same queues as push consumers ask for them, and connect to. */
export async function queryAssignment(query: RouteQuery): Promise<Route> {
  const group = { name: `${query.topic}-pushed` }
  const { status, assignments } = await ask<Assignments>('QueryAssignment', query, { group })
  return { status, message_queues: assignments.map((assignment) => assignment.message_queue) }
}

/** With TLS the certificate is not checked, as the Java, Go, C# and C++ clients do not. */
async function ask<Answer>(name: string, query: RouteQuery, more: object): Promise<Answer> {
  const { target, transport, topic, endpoints } = query
  const method = service[name]
  expectThat(method !== undefined, `the SDK has no ${name}`)
  const tls = () => credentials.createSsl(null, null, null, { rejectUnauthorized: false })
  // TLS knows no server name that is an address; none is checked here anyway.
  const options = { 'grpc.ssl_target_name_override': 'localhost' }
  const client = new Client(target, transport === 'TLS' ? tls() : credentials.createInsecure(), options)
  const metadata = new Metadata()
  metadata.set('x-mq-client-id', `addresses-${transport}`)
  metadata.set('x-mq-language', 'NODE_JS')
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        { topic: { name: topic }, endpoints, ...more },
        metadata,
        { deadline: Date.now() + RPC_MS_MAX },
        (error: ServiceError | null, answer?: object) => {
          if (error !== null) reject(error)
          else resolve(answer as Answer)
        },
      )
    })
  } finally {
    client.close()
  }
}

/** Throws unless the answer is OK, has queues, and each names exactly these endpoints. */
export function expectEchoed(route: Route, asked: Endpoints): string {
  expectThat(route.status.code === 'OK', `${route.status.code}: ${route.status.message}`)
  expectThat(route.message_queues.length > 0, 'the route has no queues')
  for (const { broker } of route.message_queues) {
    const [difference] = differencesOf(broker.endpoints, asked)
    expectThat(difference === undefined, `the endpoints of a queue are not the client's: ${difference}`)
  }
  return `${route.message_queues.length} queues`
}

/** Every field whose values differ, as `path: one / other`. */
export function differencesOf(one: unknown, other: unknown, path = ''): string[] {
  if (typeof one === 'object' && typeof other === 'object' && one !== null && other !== null) {
    const fields = new Set([...Object.keys(one), ...Object.keys(other)])
    return [...fields].flatMap((field) => {
      const [left, right] = [one, other].map((side) => (side as Record<string, unknown>)[field])
      return differencesOf(left, right, path === '' ? field : `${path}.${field}`)
    })
  }
  return Object.is(one, other) ? [] : [`${path}: ${JSON.stringify(one)} / ${JSON.stringify(other)}`]
}
