// Ports that nobody listens on now. They are chosen once, so that a server can be started again on the same ones; none
// is in the range that systems give to outgoing connections, which may take any of it while the server is down.
import { createServer } from 'node:net'

const FIRST = 10_240
/** Linux gives out from 32768 on, others from 49152. */
const END = 32_768

export interface Ports {
  readonly grpc: number
  readonly broker: number
  readonly nameserver: number
  readonly health: number
}

/** Four different free ports on loopback. */
export async function freePorts(): Promise<Ports> {
  const [grpc = 0, broker = 0, nameserver = 0, health = 0] = await freePortList(4)
  return { grpc, broker, nameserver, health }
}

const given = new Set<number>()

/** So many free ports on loopback, none of which was given to this process before. */
export async function freePortList(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = FIRST + Math.floor(Math.random() * (END - FIRST))
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer()
    listener.once('error', () => resolve(false))
    listener.listen(port, '127.0.0.1', () => listener.close(() => resolve(true)))
  })
}
