import { once } from 'node:events'
import http2 from 'node:http2'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { type Readiness, readinessOf } from '@rocketmq-ts/runtime'
import { createHealthServer, type HealthServer } from '../../src/node/index.ts'

const servers: HealthServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

interface Options {
  readonly readiness?: Readiness
  readonly metrics?: () => Promise<string>
  readonly queueMetrics?: (filter: ReadonlyMap<string, string>) => Promise<string>
  readonly port?: number
}

async function started(options: Options = {}) {
  const server = createHealthServer({
    host: '127.0.0.1',
    port: options.port ?? 0,
    readiness: () => options.readiness ?? { ready: true },
    metrics: [options.metrics ?? (() => Promise.resolve('one 1\n'))],
    ...(options.queueMetrics && { queueMetrics: options.queueMetrics }),
  })
  await server.start()
  servers.push(server)
  return { server, port: server.address?.port ?? 0, url: `http://127.0.0.1:${server.address?.port}` }
}

async function get(url: string, method = 'GET'): Promise<[number, string]> {
  const response = await fetch(url, { method })
  return [response.status, await response.text()]
}

function textUntilClosed(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return new Promise((resolve) => socket.once('close', () => resolve(text)))
}

test('health: ready → 200 on /livez and /readyz', async () => {
  const { url } = await started()
  expect(await get(`${url}/livez`)).toEqual([200, 'ok\n'])
  expect(await get(`${url}/readyz?verbose`)).toEqual([200, '{"ready":true}\n'])
})

test('health: not ready → 503 with the reason and the part it comes from as JSON, still alive', async () => {
  const reason = 'no nameserver knows this broker yet'
  const parts = [
    { name: 'store', ready: true },
    { name: 'registration', ready: false, reason },
  ]
  const { url } = await started({ readiness: readinessOf(parts) })
  const answer = await fetch(`${url}/readyz`)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'application/json; charset=utf-8'])
  expect(await answer.json()).toEqual({ ready: false, reason, parts })
  expect(await get(`${url}/livez`)).toEqual([200, 'ok\n'])
})

test('health: scrapes at the same time → one reading of the metrics', async () => {
  let readings = 0
  const called = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const { port, url } = await started({
    metrics: async () => {
      readings += 1
      called.resolve()
      await held.promise
      return `readings ${readings}\n`
    },
  })
  const socket = connect(port, '127.0.0.1')
  const answered = textUntilClosed(socket)
  // Two requests in one write arrive in the same pass of the event loop.
  const scrape = 'GET /metrics HTTP/1.1\r\nhost: x\r\n'
  socket.write(`${scrape}\r\n${scrape}connection: close\r\n\r\n`)
  await called.promise
  setImmediate(() => held.resolve())
  expect((await answered).match(/readings \d/g)).toEqual(['readings 1', 'readings 1'])
  expect(await get(`${url}/metrics`)).toEqual([200, 'readings 2\n'])
})

test('health: several sources of metrics → one text, bytes and strings in their order', async () => {
  const server = createHealthServer({
    host: '127.0.0.1',
    port: 0,
    readiness: () => ({ ready: true }),
    metrics: [async () => Buffer.from('xone 1\nx').subarray(1, 7), async () => 'two 2\n'],
  })
  await server.start()
  servers.push(server)
  expect(await get(`http://127.0.0.1:${server.address?.port}/metrics`)).toEqual([200, 'one 1\ntwo 2\n'])
})

test('health: metrics of single queues → for the group that is named, refused without one, absent where there are none', async () => {
  const { url } = await started({
    queueMetrics: async (filter) => `${filter.get('group')} ${filter.get('topic') ?? 'all'}\n`,
  })
  expect(await get(`${url}/metrics/queues?group=G&topic=a%20b`)).toEqual([200, 'G a b\n'])
  expect(await get(`${url}/metrics/queues?group=G`)).toEqual([200, 'G all\n'])
  expect(await get(`${url}/metrics/queues`)).toEqual([
    400,
    'group: name one, and perhaps a topic: /metrics/queues?group=G&topic=T\n',
  ])
  expect((await get(`${(await started()).url}/metrics/queues?group=G`))[0]).toBe(404)
})

test('health: metrics can not be read → 500 with the cause', async () => {
  const { url } = await started({ metrics: () => Promise.reject(new Error('no figures')) })
  expect(await get(`${url}/metrics`)).toEqual([500, 'no figures\n'])
})

test('health: another path or method → 404 naming the paths, 405', async () => {
  const { url } = await started()
  expect(await get(`${url}/`)).toEqual([404, 'Nothing here. There are /livez, /readyz, /metrics.\n'])
  expect((await get(`${url}/livez`, 'POST'))[0]).toBe(405)
})

test('health: the port is taken → an error that names it', async () => {
  const { port } = await started()
  await expect(started({ port })).rejects.toMatchObject({
    code: 'address-in-use',
    message: expect.stringContaining(`port 127.0.0.1:${port} is taken by`),
  })
})

test('health: silent connections up to the limit → a probe is answered, and the oldest of them is closed', async () => {
  const { port, url } = await started()
  const silent: Socket[] = []
  for (let at = 0; at < 64; at += 1) {
    const socket = connect(port, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    silent.push(socket)
  }
  const oldestClosed = textUntilClosed(silent[0]!)
  expect(await get(`${url}/livez`)).toEqual([200, 'ok\n'])
  expect(await oldestClosed).toBe('')
  for (const socket of silent) socket.destroy()
})

test('health: a stop with an idle connection open → closes it and settles', async () => {
  const { server, port } = await started()
  const socket = connect(port, '127.0.0.1')
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
  await new Promise<void>((resolve) => socket.once('data', () => resolve()))
  await server.stop()
  await closed
  await server.stop()
  expect(server.address).toBeUndefined()
})

test('health: a gRPC client → its call fails and names the port that was meant', async () => {
  const { port } = await started()
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  const stream = session.request({ ':method': 'POST', ':path': '/a/B', 'content-type': 'application/grpc' })
  const [headers] = (await once(stream.end('request'), 'response')) as [http2.IncomingHttpHeaders]
  session.destroy()
  expect(headers['grpc-status']).toBe('12')
  expect(headers['grpc-message']).toContain('this is the health port: gRPC clients (5.x SDKs) connect to the gRPC port')
})

test('health: a remoting client → its request fails and names the port that was meant', async () => {
  const { port } = await started()
  const socket = connect(port, '127.0.0.1')
  const header = Buffer.from('{"code":105,"opaque":7,"flag":0}')
  socket.write(Buffer.concat([Buffer.from([0, 0, 0, 4 + header.length, 0, 0, 0, header.length]), header]))
  expect(await textUntilClosed(socket)).toContain('this is the health port: clients of 4.x and rmq connect to a')
})

test.each([
  ['no HTTP', Buffer.alloc(100, 0xfe), '400'],
  ['TLS', Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0]), '400'],
  ['a header too long', Buffer.from(`GET /livez HTTP/1.1\r\nx: ${'y'.repeat(9 * 1024)}\r\n\r\n`), '431'],
])('health: %s → refused and closed', async (_what, bytes, status) => {
  const { port } = await started()
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  expect(await textUntilClosed(socket)).toMatch(`HTTP/1.1 ${status} `)
})
