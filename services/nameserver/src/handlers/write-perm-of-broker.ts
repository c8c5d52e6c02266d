// WIPE_WRITE_PERM_OF_BROKER and ADD_WRITE_PERM_OF_BROKER: take a broker out of the routes for producers, and back.
// Java: DefaultRequestProcessor.wipeWritePermOfBroker, addWritePermOfBroker. An unknown name is answered with 0 topics.
import {
  type AddWritePermOfBrokerAnswer,
  type AddWritePermOfBrokerHeader,
  type IncomingRequest,
  ResponseCode,
  type WipeWritePermOfBrokerAnswer,
  type WipeWritePermOfBrokerHeader,
} from '@rocketmq-ts/remoting'
import type { RouteTable } from '../route-table.ts'

export interface WritePermDeps {
  readonly routes: Pick<RouteTable, 'drain'>
  /** Told of changes only: `rmq broker drain` asks again and again, for nameservers that have just started. */
  readonly onDrained: (brokerName: string, isDrained: boolean, topics: number) => void
}

export function createWritePermOfBroker({ routes, onDrained }: WritePermDeps) {
  function drain(brokerName: string, isDrained: boolean): number {
    const { topics, isChanged } = routes.drain(brokerName, isDrained)
    if (isChanged) onDrained(brokerName, isDrained, topics)
    return topics
  }

  return {
    wipe(request: IncomingRequest<WipeWritePermOfBrokerHeader, WipeWritePermOfBrokerAnswer>): void {
      const wipeTopicCount = drain(request.header.brokerName, true)
      request.respond({ code: ResponseCode.SUCCESS, header: { wipeTopicCount } })
    },
    add(request: IncomingRequest<AddWritePermOfBrokerHeader, AddWritePermOfBrokerAnswer>): void {
      const addTopicCount = drain(request.header.brokerName, false)
      request.respond({ code: ResponseCode.SUCCESS, header: { addTopicCount } })
    },
  }
}
