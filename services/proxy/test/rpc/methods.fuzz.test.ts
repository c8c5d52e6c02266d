// Bytes from outside: whatever they are, each call ends with an answer or with INVALID_ARGUMENT, and nothing is a defect.
import * as fc from 'fast-check'
import { expect, test } from '@jest/globals'
import { GrpcStatus } from '@rocketmq-ts/grpc'
import { MessagingService, SendMessageRequest } from '@rocketmq-ts/grpc/v2'
import { createHarness, message } from '../harness.ts'

const metadata = new Map([['x-mq-client-id', 'c']])
const unaryPaths = Object.values(MessagingService)
  .filter(({ kind }) => kind === 'unary')
  .map(({ path }) => path)
const good = SendMessageRequest.encode({ messages: [message()] })

/** A request that was right, until some of its bytes were changed. */
const damaged = fc
  .array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })
  .map((changes) => {
    const bytes = good.slice()
    for (const [at, value] of changes) bytes[at] = value
    return bytes
  })

test('fuzz: any bytes to any unary method → an answer with a status, or INVALID_ARGUMENT', async () => {
  const { client, time, events } = await createHarness()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...unaryPaths),
      fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged),
      async (path, bytes) => {
        const answering = client.unary(path, bytes, { metadata, timeoutMs: 10_000 })
        await time.settle()
        const { status } = await answering
        expect([GrpcStatus.OK, GrpcStatus.INVALID_ARGUMENT]).toContain(status)
      },
    ),
    { numRuns: 500 },
  )
  expect(events.filter(({ event }) => event === 'rpc.defect')).toEqual([])
})

test('fuzz: any bytes to ReceiveMessage and Telemetry → an end or silence, never a defect', async () => {
  const { client, time, events, telemetry } = await createHarness()
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
      let ended: GrpcStatus | undefined
      const handler = { message() {}, end: (status: GrpcStatus) => void (ended = status) }
      client.serverStreaming(MessagingService.ReceiveMessage.path, bytes, handler, { metadata, timeoutMs: 1_000 })
      const stream = telemetry()
      stream.sendBytes(bytes)
      await time.advance(1_000)
      expect([GrpcStatus.OK, GrpcStatus.INVALID_ARGUMENT]).toContain(ended)
      expect([undefined, GrpcStatus.OK, GrpcStatus.INVALID_ARGUMENT]).toContain(stream.status)
      stream.cancel()
    }),
    { numRuns: 200 },
  )
  expect(events.filter(({ event }) => event === 'rpc.defect')).toEqual([])
})
