// BROKER_HEARTBEAT: a sign of life, nothing more. Success also for a broker that is not registered, as in Java:
// it registers soon anyway. Java: DefaultRequestProcessor.brokerHeartbeat.
import { ResponseCode, type BrokerHeartbeatHeader, type IncomingRequest } from '@rocketmq-ts/remoting'
import { checkBroker } from '../broker-identity.ts'
import type { Registrations } from '../registrations.ts'

export function createBrokerHeartbeat({ registrations }: { readonly registrations: Pick<Registrations, 'refresh'> }) {
  return (request: IncomingRequest<BrokerHeartbeatHeader, object>): void => {
    checkBroker(request.header)
    registrations.refresh(request.header)
    request.respond({ code: ResponseCode.SUCCESS })
  }
}
