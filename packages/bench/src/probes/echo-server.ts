// `node echo-server.ts <gRPC port> <TCP port> <health port>`: the least a server of this platform can do. SendMessage by
// bare grpc-js with an answer made before, and TCP that sends back what comes.
import http from 'node:http'
import net from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { Code, MessagingService, SendMessageResponse } from '@rocketmq-ts/grpc/v2'

const HOST = '127.0.0.1'
const [grpcPort = 0, tcpPort = 0, healthPort = 0] = process.argv.slice(2).map(Number)

const OK = { code: Code.OK, message: 'OK' } as const
const entry = { status: OK, messageId: '01A1B2C3D4E5F60123456789ABCDEF0123', offset: 1 }
const answer = Buffer.from(SendMessageResponse.encode({ status: OK, entries: [entry] }))

const server = new Server({ 'grpc.max_concurrent_streams': 4096, 'grpc.enable_channelz': 0 })
const asIs = (bytes: Buffer): Buffer => bytes
server.register(
  MessagingService.SendMessage.path,
  (_call: unknown, callback: (error: null, value: Buffer) => void) => callback(null, answer),
  asIs,
  asIs,
  'unary',
)

server.bindAsync(`${HOST}:${grpcPort}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error
  net
    .createServer({ noDelay: true }, (socket) => void socket.pipe(socket))
    .listen(tcpPort, HOST, () => {
      http.createServer((_request, response) => response.end('ready')).listen(healthPort, HOST)
    })
})
process.once('SIGTERM', () => process.exit(0))
