import { expect, test } from '@jest/globals'
import { GrpcStatus } from '@rocketmq-ts/grpc'
import { Code, MessagingService, PullMessageRequest, PullMessageResponse } from '@rocketmq-ts/grpc/v2'
import { createHarness } from '../harness.ts'

const later = ['SyncLiteSubscription', 'UpdateOffset', 'GetOffset', 'QueryOffset'] as const

test.each(later)('later: %s → NOT_IMPLEMENTED in the body, naming it', async (name) => {
  const { client, time } = await createHarness()
  const { path, response } = MessagingService[name]
  const metadata = new Map([['x-mq-client-id', 'c']])
  const answering = client.unary(path, new Uint8Array(0), { metadata })
  await time.settle()
  const { status, message } = await answering
  expect(status).toBe(GrpcStatus.OK)
  expect(response.decode(message!).status).toMatchObject({
    code: Code.NOT_IMPLEMENTED,
    message: expect.stringContaining(name),
  })
})

test('later: PullMessage → one frame with NOT_IMPLEMENTED, then the end', async () => {
  const { client, time } = await createHarness()
  const frames: PullMessageResponse[] = []
  let ended: GrpcStatus | undefined
  client.serverStreaming(
    MessagingService.PullMessage.path,
    PullMessageRequest.encode({}),
    {
      message: (bytes) => void frames.push(PullMessageResponse.decode(bytes)),
      end: (status) => {
        ended = status
      },
    },
    { metadata: new Map([['x-mq-client-id', 'c']]) },
  )
  await time.settle()
  expect(frames).toMatchObject([{ status: { code: Code.NOT_IMPLEMENTED } }])
  expect(ended).toBe(GrpcStatus.OK)
})

test('later: a method that nobody knows → UNIMPLEMENTED', async () => {
  const { client, time } = await createHarness()
  const answering = client.unary('/apache.rocketmq.v2.MessagingService/Nothing', new Uint8Array(0))
  await time.settle()
  expect((await answering).status).toBe(GrpcStatus.UNIMPLEMENTED)
})
