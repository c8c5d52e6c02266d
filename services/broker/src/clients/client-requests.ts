// HEART_BEAT and UNREGISTER_CLIENT: what clients say of themselves. Of it, the groups of producers are kept. Java:
// ClientManageProcessor.
import {
  type HeartBeatAnswer,
  type IncomingRequest,
  ResponseCode,
  type UnregisterClientHeader,
  decodeHeartbeatData,
} from '@rocketmq-ts/remoting'
import type { Producers } from './producers.ts'

/** Handlers of requests about clients. */
export function createClientRequests({ producers }: { readonly producers: Producers }) {
  return {
    heartBeat(request: IncomingRequest<object, HeartBeatAnswer>): void {
      const { producerDataSet } = decodeHeartbeatData(request.body)
      producers.seen(
        request.peer,
        producerDataSet.map(({ groupName }) => groupName),
      )
      request.respond({ code: ResponseCode.SUCCESS, header: {} })
    },
    unregisterClient(request: IncomingRequest<UnregisterClientHeader>): void {
      const { producerGroup = '' } = request.header
      if (producerGroup !== '') producers.left(request.peer, producerGroup)
      request.respond({ code: ResponseCode.SUCCESS })
    },
  }
}
