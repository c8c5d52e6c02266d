// UNREGISTER_BROKER: a broker that stops. Java: DefaultRequestProcessor.unregisterBroker.
import { ResponseCode, type IncomingRequest, type UnregisterBrokerHeader } from '@rocketmq-ts/remoting'
import { checkBroker } from '../broker-identity.ts'
import type { Registrations } from '../registrations.ts'

export function createUnregisterBroker({
  registrations,
}: {
  readonly registrations: Pick<Registrations, 'unregister'>
}) {
  return (request: IncomingRequest<UnregisterBrokerHeader, object>): void => {
    checkBroker(request.header)
    registrations.unregister(request.header)
    request.respond({ code: ResponseCode.SUCCESS })
  }
}
