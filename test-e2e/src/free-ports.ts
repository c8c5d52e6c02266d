// Ports that nobody listens on now. They are chosen once, so that a server can be started again on the same ones.
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

export interface Ports {
  readonly grpc: number
  readonly broker: number
  readonly nameserver: number
  readonly health: number
}

/** Four different free ports on loopback. */
export async function freePorts(): Promise<Ports> {
  const listeners = Array.from({ length: 4 }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(listeners.map((listener) => once(listener, 'listening')))
  const [grpc = 0, broker = 0, nameserver = 0, health = 0] = listeners.map((it) => (it.address() as AddressInfo).port)
  await Promise.all(listeners.map((listener) => once(listener.close(), 'close')))
  return { grpc, broker, nameserver, health }
}
