// NotifyClientTermination: the client is about to end. What it still holds becomes visible soon. Always OK, also for
// clients unknown here and for producers that send an empty group. Java: ClientActivity.notifyClientTermination.
import type { NotifyClientTerminationRequest, NotifyClientTerminationResponseInit } from '@rocketmq-ts/grpc/v2'
import type { Clients } from '../sessions/clients.ts'
import { OK } from '../status.ts'
import { group as groupAccess } from './access.ts'
import type { UnaryRpc } from './method.ts'

export function createNotifyClientTermination({
  clients,
}: {
  readonly clients: Clients
}): UnaryRpc<NotifyClientTerminationRequest, NotifyClientTerminationResponseInit> {
  return {
    access: ({ group }) => (group === null || group.name === '' ? [] : [groupAccess(group.name)]),
    answer(_request, { clientId }) {
      clients.remove(clientId)
      return { status: OK }
    },
    refuse: (status) => ({ status }),
  }
}
