// QueryAssignment: which queues a push consumer polls. Every member of the group gets one entry per broker, for all
// its queues: brokers balance by message. Java: RouteActivity.queryAssignment.
import { Code, Permission, type QueryAssignmentRequest, type QueryAssignmentResponseInit } from '@rocketmq-ts/grpc/v2'
import type { Groups } from '../messaging/groups.ts'
import { readableBrokers } from '../messaging/topics.ts'
import { notImplemented, OK, refusal } from '../status.ts'
import { checkGroup, checkTopic } from '../validators.ts'
import { group as groupAccess, sub } from './access.ts'
import { checkEndpoints } from './endpoints.ts'
import type { UnaryRpc } from './method.ts'
import type { QueryRouteDeps } from './query-route.ts'

/** Any queue of the broker. */
const ANY_QUEUE = -1

export interface QueryAssignmentDeps extends QueryRouteDeps {
  readonly groups: Groups
}

export function createQueryAssignment(
  deps: QueryAssignmentDeps,
): UnaryRpc<QueryAssignmentRequest, QueryAssignmentResponseInit> {
  return {
    access: ({ topic, group }) => [sub(topic?.name), groupAccess(group?.name)],
    async answer({ topic, group, endpoints }) {
      const illegal =
        checkTopic(topic) ??
        checkGroup(group) ??
        (deps.advertised === undefined ? checkEndpoints(endpoints) : undefined)
      if (illegal !== undefined || topic === null || group === null) {
        return { status: illegal ?? { code: Code.BAD_REQUEST } }
      }
      const route = await deps.topics.route(topic.name)
      const brokers = readableBrokers(route)
      if (brokers.length === 0) {
        return { status: refusal(Code.FORBIDDEN, `topic '${topic.name}' has no readable queue`) }
      }
      if ((await deps.groups.settings(group.name, topic.name)).fifo) {
        return { status: notImplemented(`group '${group.name}' consumes in order: FIFO delivery`) }
      }
      return {
        status: OK,
        assignments: brokers.map(({ brokerName, writable }) => ({
          messageQueue: {
            topic,
            id: ANY_QUEUE,
            permission: writable ? Permission.READ_WRITE : Permission.READ,
            broker: { name: brokerName, id: 0, endpoints: deps.advertised ?? endpoints },
          },
        })),
      }
    },
    refuse: (status) => ({ status }),
  }
}
