// The echo server as a process of its own, on the cores of the servers under test.
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { Histogram, type LatencySummary } from '../histogram.ts'
import { freePorts, isReady } from '../servers/http.ts'
import { startProcess, type ServerProcess } from '../servers/server-process.ts'

const HOST = '127.0.0.1'
const PING_BYTES = 128

export interface EchoServer {
  readonly process: ServerProcess
  /** host:port of the bare gRPC server. */
  readonly endpoints: string
  readonly tcpPort: number
}

export async function startEcho(folder: string, cores: string | undefined): Promise<EchoServer> {
  const [grpcPort = 0, tcpPort = 0, healthPort = 0] = await freePorts(3)
  const script = fileURLToPath(new URL('echo-server.ts', import.meta.url))
  const process = await startProcess({
    name: 'echo',
    args: [script, String(grpcPort), String(tcpPort), String(healthPort)],
    cores,
    logFile: join(folder, 'echo.log'),
    isReady: () => isReady(healthPort),
  })
  return { process, endpoints: `${HOST}:${grpcPort}`, tcpPort }
}

/** Round trips of 128 bytes over one connection, one at a time. */
export function probeRoundTrip(port: number, roundTrips: number): Promise<LatencySummary> {
  const latencies = new Histogram()
  const ping = Buffer.alloc(PING_BYTES)
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: HOST, port, noDelay: true })
    let sentMs = 0
    let missing = 0
    const send = () => {
      missing = PING_BYTES
      sentMs = performance.now()
      socket.write(ping)
    }
    socket.once('connect', send)
    socket.once('error', reject)
    socket.on('data', (chunk) => {
      missing -= chunk.length
      if (missing > 0) return
      latencies.record(performance.now() - sentMs)
      if (latencies.count < roundTrips) send()
      else {
        socket.destroy()
        resolve(latencies.summary())
      }
    })
  })
}
