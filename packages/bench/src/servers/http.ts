// The health port of a service, as probes and scrapes see it. A connection each time: nothing is kept open in a window
// that is measured.
import { get } from 'node:http'
import net from 'node:net'

interface HttpAnswer {
  readonly status: number
  readonly text: string
}

/** Undefined when nobody answers. */
export function httpGet(port: number, path: string): Promise<HttpAnswer | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', () => resolve(undefined))
    })
    request.on('error', () => resolve(undefined))
  })
}

export async function isReady(port: number): Promise<boolean> {
  return (await httpGet(port, '/readyz'))?.status === 200
}

/** The sum of all series of a metric whose labels include all that are given. */
export function sumOfMetric(exposition: string, name: string, labels: Readonly<Record<string, string>>): number {
  let sum = 0
  for (const line of exposition.split('\n')) {
    if (!line.startsWith(`${name}{`)) continue
    if (!Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))) continue
    sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return sum
}

/** Ports of loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere))
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function listenAnywhere(): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => resolve(server))
  })
}
