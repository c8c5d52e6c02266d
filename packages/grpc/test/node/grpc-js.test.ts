import { createGrpcJsTransport, type TlsOptions } from '@rocketmq-ts/grpc/node'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createSelfSigned } from '../../src/node/certificate.ts'
import { createManualTime } from '../manual-time.ts'
import { type OpenFixture, REQUEST_BYTES_MAX, testTransport, UNREAD_BYTES_MAX } from '../transport-conformance.ts'
import { anyCertificate, createGrpcJsClient } from './grpc-js-client.ts'

testTransport('grpc-js transport', openOver({ mode: 'disabled' }))
testTransport('grpc-js transport over TLS', openOver({ mode: 'enforcing', ...(await createSelfSigned(Date.now())) }))

function openOver(tls: TlsOptions): OpenFixture {
  return async (methods) => {
    const time = createManualTime()
    const defects: unknown[] = []
    const transport = createGrpcJsTransport({
      ...time,
      host: '127.0.0.1',
      port: 0,
      tls,
      limits: { requestBytesMax: REQUEST_BYTES_MAX, unreadBytesMax: UNREAD_BYTES_MAX },
      logger: silentLogger,
      onDefect: (error) => defects.push(error),
    })
    const server = await transport.serve(new Map(Object.entries(methods)))
    const client = await createGrpcJsClient(
      server.addresses[0] ?? { host: '', port: 0 },
      tls.mode === 'disabled' ? undefined : anyCertificate(),
    )
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
  }
}
