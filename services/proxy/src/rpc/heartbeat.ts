// Heartbeat: the client lives. One that this proxy has not met, after a restart of ours or on another path, is taken
// in by what the heartbeat says; Java answers UNRECOGNIZED_CLIENT_TYPE. Java: ClientActivity.heartbeat.
import { ClientType, Code, type HeartbeatRequest, type HeartbeatResponseInit } from '@rocketmq-ts/grpc/v2'
import type { Clients } from '../sessions/clients.ts'
import { OK, refusal } from '../status.ts'
import { checkGroup } from '../validators.ts'
import { group as groupAccess } from './access.ts'
import { checkClientType, isConsumer } from './client-type.ts'
import type { UnaryRpc } from './method.ts'

export function createHeartbeat({
  clients,
}: {
  readonly clients: Clients
}): UnaryRpc<HeartbeatRequest, HeartbeatResponseInit> {
  return {
    access: ({ group }) => (group === null ? [] : [groupAccess(group.name)]),
    answer({ group, clientType }, { clientId, call }) {
      const known = clients.find(clientId)?.clientType
      const type = known ?? clientType
      const illegal =
        type === ClientType.CLIENT_TYPE_UNSPECIFIED
          ? refusal(Code.UNRECOGNIZED_CLIENT_TYPE, 'client_type: is not set, and the client is not known')
          : (checkClientType(type, 'client_type') ?? (isConsumer(type) ? checkGroup(group) : undefined))
      if (illegal !== undefined) return { status: illegal }
      const client = clients.see(clientId, call)
      if (client === undefined) {
        return { status: refusal(Code.TOO_MANY_REQUESTS, 'too many clients: try again later') }
      }
      const name = isConsumer(type) ? (group?.name ?? '') : client.group
      if (client.clientType !== type || client.group !== name) {
        client.clientType = type
        client.group = name
        clients.changed(client)
      }
      return { status: OK }
    },
    refuse: (status) => ({ status }),
  }
}
