// QueryRoute: the queues of a topic. Only masters and, where there are any, only usable queues: some clients filter
// neither. Java: RouteActivity.
import {
  Code,
  type EndpointsInit,
  type MessageQueueInit,
  MessageType,
  Permission,
  type QueryRouteRequest,
  type QueryRouteResponseInit,
  type ResourceInit,
} from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import type { Topics } from '../messaging/topics.ts'
import { OK } from '../status.ts'
import type { BrokerQueues, TopicRoute } from '../upstream/upstream.ts'
import { checkTopic } from '../validators.ts'
import { checkEndpoints } from './endpoints.ts'
import type { UnaryRpc } from './method.ts'

/**
 * As Apache's of a MIXED topic, whatever the topic takes: producers would check it before they send, and name numbers of
 * an enum where the proxy, which checks every message, names the topic and what to do.
 */
const ACCEPTED_TYPES = [MessageType.NORMAL, MessageType.FIFO, MessageType.DELAY, MessageType.TRANSACTION] as const

export interface QueryRouteDeps {
  readonly topics: Topics
  /** Named instead of the client's own endpoints. */
  readonly advertised: EndpointsInit | undefined
}

export function createQueryRoute(deps: QueryRouteDeps): UnaryRpc<QueryRouteRequest, QueryRouteResponseInit> {
  return {
    access: ({ topic }) => [{ resource: 'topic', name: topic?.name ?? '', action: 'any' }],
    async answer({ topic, endpoints }) {
      const illegal = checkTopic(topic) ?? (deps.advertised === undefined ? checkEndpoints(endpoints) : undefined)
      if (illegal !== undefined || topic === null) return { status: illegal ?? { code: Code.ILLEGAL_TOPIC } }
      const route = await deps.topics.route(topic.name)
      return { status: OK, messageQueues: messageQueues(route, topic, deps.advertised ?? endpoints ?? {}) }
    },
    refuse: (status) => ({ status }),
  }
}

/** In a stable order, and with the ids the brokers use: clients compare lists element by element. */
function messageQueues(route: TopicRoute, topic: ResourceInit, endpoints: EndpointsInit): MessageQueueInit[] {
  const usable = route.brokers.filter((broker) => queueCount(broker) > 0)
  if (usable.length === 0) {
    const [first] = route.brokers
    if (first === undefined) throw new MqError('unavailable', `topic '${route.topic}': none of its masters is alive`)
    return [queueOf(first, 0, Permission.NONE, topic, endpoints)]
  }
  return usable.flatMap((broker) =>
    Array.from({ length: queueCount(broker) }, (_, id) =>
      queueOf(broker, id, permissionOf(broker, id), topic, endpoints),
    ),
  )
}

function queueCount({ readable, writable, readQueues, writeQueues }: BrokerQueues): number {
  return Math.max(readable ? readQueues : 0, writable ? writeQueues : 0)
}

function permissionOf({ readable, writable, readQueues, writeQueues }: BrokerQueues, id: number): Permission {
  const reads = readable && id < readQueues
  const writes = writable && id < writeQueues
  if (reads && writes) return Permission.READ_WRITE
  return reads ? Permission.READ : Permission.WRITE
}

function queueOf(
  { brokerName }: BrokerQueues,
  id: number,
  permission: Permission,
  topic: ResourceInit,
  endpoints: EndpointsInit,
): MessageQueueInit {
  return { topic, id, permission, broker: { name: brokerName, id: 0, endpoints }, acceptMessageTypes: ACCEPTED_TYPES }
}
