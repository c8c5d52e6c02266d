// The connecting side.
import { MqError } from '@rocketmq-ts/model'
import { createDeadlines, silentLogger } from '@rocketmq-ts/runtime'
import type { Clock, Deadlines, Logger, Network, Scheduler, SocketAddress } from '@rocketmq-ts/runtime'
import { ResponseCode } from '../codec/codes.ts'
import type { Serialization } from '../codec/remoting-command.ts'
import type { RemotingEvent } from '../events.ts'
import type { Peer, RequestHandler } from '../peer.ts'
import { Connection } from './connection.ts'
import { limitsOf, type RemotingLimits } from './limits.ts'

export interface ConnectOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Takes what the other side asks of us; by default every request is answered 'not supported'. */
  readonly handler?: RequestHandler
  /** How our requests are written; binary by default, codes beyond 16 bits as JSON in any case. */
  readonly serialization?: Serialization
  readonly limits?: Partial<RemotingLimits>
  readonly logger?: Logger<RemotingEvent>
  /** Shared by several connections where given. */
  readonly deadlines?: Deadlines
}

/** Reads 'host:port', an IPv6 host in brackets. Throws MqError 'parameter-invalid'. */
export function parseAddress(address: string): SocketAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(address)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || !(port <= 65_535)) {
    throw new MqError('parameter-invalid', `address '${address}' is not of the form host:port`)
  }
  return { host, port }
}

/** The handler of those who are asked nothing. */
export const refuseAll: RequestHandler = (request) =>
  request.respond({
    code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
    remark: `request code ${request.code} is not supported by a client`,
  })

/** Connects to 'host:port'. Rejects with MqError 'unavailable' with what the network says: the address and the cause. */
export async function connectPeer(network: Network, address: string, options: ConnectOptions): Promise<Peer> {
  const { clock, scheduler } = options
  const limits = limitsOf(options.limits)
  const target = parseAddress(address)
  const socket = await network.connect({ ...target, timeoutMs: limits.connectTimeoutMs }).catch((error: unknown) => {
    throw new MqError('unavailable', error instanceof Error ? error.message : String(error), error)
  })
  const connection = new Connection({
    socket,
    listener: '',
    serialization: options.serialization ?? 'binary',
    handler: options.handler ?? refuseAll,
    clock,
    scheduler,
    deadlines: options.deadlines ?? createDeadlines({ clock, scheduler }),
    limits,
    logger: options.logger ?? silentLogger,
  })
  connection.start()
  return connection
}
