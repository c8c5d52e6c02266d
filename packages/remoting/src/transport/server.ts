// The accepting side: one listener, its connections, an orderly stop.
import assert from 'node:assert'
import {
  type Clock,
  createDeadlines,
  type Deadlines,
  Expiring,
  type Listener,
  type Logger,
  type Network,
  type Scheduler,
  type Service,
  silentLogger,
  type Socket,
  type SocketAddress,
} from '@rocketmq-ts/runtime'
import type { RemotingEvent } from '../events.ts'
import type { ConnectionObserver } from '../observer.ts'
import type { Peer, RequestHandler } from '../peer.ts'
import { Connection, formatAddress } from './connection.ts'
import { limitsOf, type RemotingLimits } from './limits.ts'
import { ListenerBounds } from './listener-bounds.ts'

export interface RemotingServerOptions {
  readonly network: Network
  readonly scheduler: Scheduler
  readonly clock: Clock
  /** Port 0 takes a free one. */
  readonly listen: SocketAddress
  /** Name of the listener as `Peer.listener` and log events show it; not ''. */
  readonly name: string
  readonly handler: RequestHandler
  readonly limits?: Partial<RemotingLimits>
  readonly logger?: Logger<RemotingEvent>
  readonly observer?: ConnectionObserver
  /** Told of each connection before its first request. */
  readonly onConnection?: (peer: Peer) => void
}

export interface RemotingServer extends Service {
  /** Where the listener really is; only while it is started. */
  readonly address: SocketAddress
  readonly connectionCount: number
}

class Limit extends Expiring {
  readonly #end: () => void
  constructor(end: () => void) {
    super()
    this.#end = end
  }
  override expire(): void {
    this.#end()
  }
}

/** Resolves when all have settled or the time is over. */
function allWithin(waits: readonly Promise<void>[], deadlines: Deadlines, limitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = new Limit(resolve)
    deadlines.add(limit, limitMs)
    Promise.all(waits).then(() => {
      deadlines.remove(limit)
      resolve()
    }, reject)
  })
}

/**
 * A remoting listener. `start` rejects with NetworkError 'address-in-use' naming host and port. `stop` closes the
 * listener, answers new requests with GO_AWAY, waits `drainMs` at most for those in flight, then closes all connections
 * and aborts those whose peer does not read.
 */
export function createRemotingServer(options: RemotingServerOptions): RemotingServer {
  const { network, scheduler, clock, listen, name, handler, onConnection } = options
  assert(name !== '', 'a listener has a name')
  const limits = limitsOf(options.limits)
  const logger: Logger<RemotingEvent> = options.logger ?? silentLogger
  const deadlines = createDeadlines({ clock, scheduler })
  const bounds = new ListenerBounds({ limits, clock, scheduler })
  const connections = new Set<Connection>()
  let listener: Listener | undefined
  let stopping = false

  function accept(socket: Socket): void {
    const remoteAddress = formatAddress(socket.remoteAddress)
    if (stopping || connections.size >= limits.connectionsMax) {
      options.observer?.refused('connections')
      const { connectionsMax } = limits
      logger.warn({ event: 'connection.refused', listener: name, remoteAddress, connectionsMax })
      socket.destroy()
      return
    }
    const connection = new Connection({
      socket,
      listener: name,
      serialization: 'json',
      handler,
      clock,
      scheduler,
      deadlines,
      limits,
      logger,
      observer: options.observer,
      bounds,
    })
    connections.add(connection)
    connection.onClose(() => connections.delete(connection))
    logger.debug({ event: 'connection.opened', listener: name, remoteAddress })
    onConnection?.(connection)
    connection.start()
  }

  return {
    get address() {
      assert(listener !== undefined, `listener ${name} is not started`)
      return listener.address
    },
    get connectionCount() {
      return connections.size
    },
    async start() {
      listener = await network.listen({ ...listen, accept })
      logger.info({ event: 'listener.started', listener: name, address: formatAddress(listener.address) })
    },
    async stop() {
      if (stopping) return
      stopping = true
      const closed = listener?.close()
      await allWithin(
        [...connections].map((connection) => connection.drain()),
        deadlines,
        limits.drainMs,
      )
      const gone = [...connections].map((connection) => new Promise<void>((resolve) => connection.onClose(resolve)))
      for (const connection of connections) connection.close()
      await allWithin(gone, deadlines, limits.drainMs)
      for (const connection of connections) connection.abort('the server stopped')
      await Promise.all([closed, ...gone])
    },
  }
}
