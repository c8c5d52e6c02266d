// One address before all proxies, as a TCP balancer is: each connection goes to the next proxy that accepts it, and ends
// with it.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const CLIENTS_END_MS_MAX = 5_000

export interface Balancer {
  /** `host:port` that clients connect to. */
  readonly address: string
  /** `host:port` of the proxies from now on; connections that are there stay. */
  connectTo(endpoints: readonly string[]): void
  /** Nothing passes any more, and nobody is told: connections stay open, new ones are accepted and lead nowhere. */
  fallSilent(): void
  /** The connections that are there now stay open and pass nothing any more; new ones pass. */
  loseConnections(): void
  /** Ends the connections that were there in the silence; from now on everything passes again. */
  endSilence(): void
  /** Clients that are closing have some time to end their connections. */
  close(): Promise<void>
}

/** Listens, on a free port of 127.0.0.1 unless another one is given. */
export async function createBalancer(
  endpoints: readonly string[],
  at: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let current = [...endpoints]
  let next = 0
  let isSilent = false

  /** Passes both ways, or tries the next proxy; where none accepts, the connection is reset. */
  function pass(near: Socket, triesLeft: number): void {
    const endpoint = current[next % current.length]
    next += 1
    if (triesLeft === 0 || endpoint === undefined) {
      near.resetAndDestroy()
      return
    }
    const [host = '', port = ''] = endpoint.split(':')
    const far = connect(Number(port), host)
    const refused = () => pass(near, triesLeft - 1)
    far.once('error', refused)
    far.once('connect', () => {
      far.off('error', refused)
      sockets.add(far)
      far.on('close', () => sockets.delete(far))
      if (!isSilent) join(near, far)
    })
  }

  function loseConnections(): void {
    for (const socket of sockets) socket.unpipe().pause()
  }

  const listener = createServer((near) => {
    sockets.add(near)
    near.on('error', () => near.destroy()).on('close', () => sockets.delete(near))
    if (!isSilent) pass(near, current.length)
  })
  await once(listener.listen(at.port, at.host), 'listening')
  const { port } = listener.address() as AddressInfo
  return {
    address: `${at.host}:${port}`,
    connectTo(published) {
      current = [...published]
    },
    fallSilent() {
      isSilent = true
      loseConnections()
    },
    loseConnections,
    endSilence() {
      isSilent = false
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async close() {
      const closed = once(listener.close(), 'close')
      await Promise.race([closed, sleep(CLIENTS_END_MS_MAX)])
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Passes everything on, and the end of one as the end of the other. */
function join(near: Socket, far: Socket): void {
  if (near.destroyed) {
    far.destroy() // the client has not waited
    return
  }
  near.pipe(far)
  far.pipe(near)
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => other.resetAndDestroy())
    // A socket that is piped nowhere any more is not read, and would not see its own end.
    one.on('close', () => other.destroySoon())
  }
}
