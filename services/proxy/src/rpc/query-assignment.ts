// QueryAssignment: which queues a push consumer polls. Every member of the group gets one entry per broker, for all
// its queues, or one per queue where the group consumes in order: brokers balance. Java: RouteActivity.queryAssignment.
import { Code, Permission, type QueryAssignmentRequest, type QueryAssignmentResponseInit } from '@rocketmq-ts/grpc/v2'
import type { Groups } from '../messaging/groups.ts'
import { readableBrokers } from '../messaging/topics.ts'
import { OK, refusal } from '../status.ts'
import { checkGroup, checkTopic } from '../validators.ts'
import { group as groupAccess, sub } from './access.ts'
import { checkEndpoints } from './endpoints.ts'
import type { UnaryRpc } from './method.ts'
import type { QueryRouteDeps } from './query-route.ts'

/** Any queue of the broker. */
const ANY_QUEUE = -1

/** A group that consumes in order polls each queue, so that as many batches as there are queues may be worked on. */
function queueIds(fifo: boolean, readQueues: number): number[] {
  return fifo ? Array.from({ length: readQueues }, (_, id) => id) : [ANY_QUEUE]
}

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
      const { fifo } = await deps.groups.settings(group.name, topic.name)
      return {
        status: OK,
        assignments: brokers.flatMap(({ brokerName, writable, readQueues }) =>
          queueIds(fifo, readQueues).map((id) => ({
            messageQueue: {
              topic,
              id,
              permission: writable ? Permission.READ_WRITE : Permission.READ,
              broker: { name: brokerName, id: 0, endpoints: deps.advertised ?? endpoints },
            },
          })),
        ),
      }
    },
    refuse: (status) => ({ status }),
  }
}
