import { expect, test } from '@jest/globals'
import type { Scheduler } from '@rocketmq-ts/runtime'
import { createMemoryGrpc, GrpcStatus, type GrpcMethod } from '@rocketmq-ts/grpc'
import { createManualTime } from '../manual-time.ts'
import { REQUEST_BYTES_MAX, testTransport, UNREAD_BYTES_MAX } from '../transport-conformance.ts'

testTransport('memory transport', async (methods) => {
  const time = createManualTime()
  const defects: unknown[] = []
  const grpc = createMemoryGrpc({
    clock: time.clock,
    scheduler: time.scheduler,
    requestBytesMax: REQUEST_BYTES_MAX,
    unreadBytesMax: UNREAD_BYTES_MAX,
    onDefect: (error) => defects.push(error),
  })
  const server = await grpc.transport.serve(new Map(Object.entries(methods)))
  return { server, time, defects, client: grpc.connect(), release: () => server.close(0) }
})

/** Runs nothing until told, and writes down who ran. */
function createStepper(name: string, log: string[], steps: (() => void)[]): Scheduler {
  return {
    soon: (task) => {
      steps.push(() => {
        log.push(name)
        task()
      })
    },
    after: () => ({ cancel() {} }),
  }
}

const echo: GrpcMethod = {
  kind: 'unary',
  handle(request, call) {
    call.write(request)
    call.finish(GrpcStatus.OK)
  },
}

test('memory transport: two processes → each side runs in its own scheduler only, step by step', async () => {
  const log: string[] = []
  const steps: (() => void)[] = []
  const clock = createManualTime().clock
  const server = { clock, scheduler: createStepper('server', log, steps) }
  const client = { clock, scheduler: createStepper('client', log, steps) }
  const grpc = createMemoryGrpc(server)
  await grpc.transport.serve(new Map([['/s/Echo', echo]]))
  const answer = grpc.connect({ side: client }).unary('/s/Echo', new Uint8Array([7]))
  expect(log).toStrictEqual([])
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) step()
  expect((await answer).message).toStrictEqual(new Uint8Array([7]))
  expect(log).toStrictEqual(['server', 'server', 'server', 'client', 'client', 'server'])
})

test('memory transport: the server’s process crashes → calls end UNAVAILABLE and its methods never run again', async () => {
  const time = createManualTime()
  const grpc = createMemoryGrpc(time)
  let handled = 0
  const method: GrpcMethod = { kind: 'unary', handle: () => void (handled += 1) }
  await grpc.transport.serve(new Map([['/s/M', method]]))
  const client = grpc.connect()
  const answer = client.unary('/s/M', new Uint8Array())
  grpc.crash()
  expect((await answer).status).toBe(GrpcStatus.UNAVAILABLE)
  expect((await client.unary('/s/M', new Uint8Array())).status).toBe(GrpcStatus.UNAVAILABLE)
  expect(handled).toBe(0)
})

test('memory transport: latencies that shrink → messages still arrive in the order they were sent', async () => {
  const time = createManualTime()
  let latencyMs = 50
  const grpc = createMemoryGrpc({ ...time, latencyMs: () => (latencyMs -= 10) })
  const method: GrpcMethod = {
    kind: 'bidirectional',
    handle: (call) => ({
      message: (bytes) => void call.write(bytes),
      end: () => call.finish(GrpcStatus.OK),
    }),
  }
  await grpc.transport.serve(new Map([['/s/M', method]]))
  const received: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const stream = grpc.connect().bidirectional('/s/M', {
    message: (bytes) => received.push(bytes[0] ?? 0),
    end: () => resolve(),
  })
  for (const value of [1, 2, 3]) stream.write(new Uint8Array([value]))
  stream.halfClose()
  for (let ms = 0; ms < 100; ms += 1) time.advance(1)
  await promise
  expect(received).toStrictEqual([1, 2, 3])
})
