import { createGrpcJsTransport } from '@rocketmq-ts/grpc/node'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createManualTime } from '../manual-time.ts'
import { REQUEST_BYTES_MAX, testTransport, UNREAD_BYTES_MAX } from '../transport-conformance.ts'
import { createGrpcJsClient } from './grpc-js-client.ts'

testTransport('grpc-js transport', async (methods) => {
  const time = createManualTime()
  const defects: unknown[] = []
  const transport = createGrpcJsTransport({
    ...time,
    host: '127.0.0.1',
    port: 0,
    tls: { mode: 'disabled' },
    limits: { requestBytesMax: REQUEST_BYTES_MAX, unreadBytesMax: UNREAD_BYTES_MAX },
    logger: silentLogger,
    onDefect: (error) => defects.push(error),
  })
  const server = await transport.serve(new Map(Object.entries(methods)))
  const client = await createGrpcJsClient(server.addresses[0] ?? { host: '', port: 0 })
  return {
    server,
    client,
    time,
    defects,
    async release() {
      client.close()
      const closed = server.close(0)
      time.advance(10_000)
      await closed
    },
  }
})
