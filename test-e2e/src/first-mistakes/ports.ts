// Clients at a port of another protocol, and TLS where there is none, or none where there is TLS.
import { exchange, remotingFrame } from '../bad-input/remoting-wire.ts'
import type { Mistake } from './mistake.ts'
import type { Part } from '../parts.ts'
import { browse, logMark, logWith, type Person } from './person.ts'

const GRPC_PORT = 'connect to the gRPC port of a proxy, 8081'
const NAMESERVER_PORT = 'connect to a nameserver, 9876'
const GET_ROUTE = 105

export interface PortsOptions {
  readonly person: Person
  readonly nameserver: Part
  readonly broker: Part
  readonly proxy: Part
  /** A broker whose namesrvAddr is the proxy, and a proxy whose namesrvAddr is the broker. */
  readonly lostBroker: Part
  readonly lostProxy: Part
}

export function wrongPorts({ person, nameserver, broker, proxy, lostBroker, lostProxy }: PortsOptions): Mistake[] {
  const health = `127.0.0.1:${proxy.healthPort}`
  return [
    {
      name: 'wrong port: an SDK at the port of the broker → the error of the SDK',
      read: () => person.program(1, 'send', broker.address, 'hello'),
      cause: 'this is the remoting port of a broker',
      remedy: GRPC_PORT,
    },
    {
      name: 'wrong port: an SDK at the port of the nameserver → the error of the SDK',
      read: () => person.program(1, 'send', nameserver.address, 'hello'),
      cause: 'this is the remoting port of a nameserver',
      remedy: GRPC_PORT,
    },
    {
      name: 'wrong port: an SDK at the port of the nameserver → the log of the nameserver',
      async read() {
        const mark = logMark(nameserver.logFile)
        await person.program(1, 'send', nameserver.address, 'hello')
        return logWith(nameserver.logFile, mark, 'stream.refused')
      },
      cause: 'this is the remoting port of a nameserver',
      remedy: GRPC_PORT,
    },
    {
      name: 'wrong port: an SDK that uses TLS, at the port of the nameserver → the log of the nameserver',
      async read() {
        const mark = logMark(nameserver.logFile)
        await person.program(1, 'tls-send', nameserver.address, 'hello')
        return logWith(nameserver.logFile, mark, 'stream.refused')
      },
      cause: 'this is the remoting port of a nameserver: it speaks no TLS',
      remedy: GRPC_PORT,
    },
    {
      name: 'wrong port: an SDK at the health port → the error of the SDK',
      read: () => person.program(1, 'send', health, 'hello'),
      cause: 'this is the health port',
      remedy: GRPC_PORT,
    },
    {
      name: 'wrong port: a 4.x client at the gRPC port → the remark that it shows',
      async read() {
        const request = remotingFrame({ code: GET_ROUTE, fields: { topic: 'hello' } })
        const outcome = await exchange(proxy.port, [request])
        return outcome.kind === 'answered' ? outcome.reply.remark : outcome.kind
      },
      cause: 'this is the gRPC port of a proxy',
      remedy: NAMESERVER_PORT,
    },
    {
      name: 'wrong port: rmq at the gRPC port → what it prints',
      read: () => person.rmq(1, 'topic', 'list', '--nameserver', proxy.address),
      cause: 'this is the gRPC port of a proxy',
      remedy: NAMESERVER_PORT,
    },
    {
      name: 'wrong port: rmq at the health port → what it prints',
      read: () => person.rmq(1, 'topic', 'list', '--nameserver', health),
      cause: 'this is the health port',
      remedy: NAMESERVER_PORT,
    },
    {
      name: 'wrong port: rmq at the port of the broker → what it prints',
      read: () => person.rmq(1, 'topic', 'list', '--nameserver', broker.address),
      cause: 'is no nameserver',
      remedy: '--nameserver',
    },
    {
      name: 'wrong port: a broker whose namesrvAddr is the proxy → its log',
      read: () => logWith(lostBroker.logFile, 0, 'registration.failed'),
      cause: 'this is the gRPC port of a proxy',
      remedy: NAMESERVER_PORT,
    },
    {
      name: 'wrong port: a proxy whose namesrvAddr is the broker → the error of the SDK',
      read: () => person.program(1, 'send', lostProxy.address, 'hello'),
      cause: `no nameserver answers (${broker.address})`,
      remedy: 'correct namesrvAddr of this proxy',
    },
    {
      name: 'wrong port: a browser at the gRPC port → the page',
      read: () => browse(proxy.port),
      cause: 'this is the gRPC port of a proxy',
      remedy: 'on the health port',
    },
    {
      name: 'wrong port: a browser at the port of the broker → the page',
      read: () => browse(broker.port),
      cause: 'this is the remoting port of a broker',
      remedy: 'on the health port',
    },
  ]
}

export interface TlsOptions {
  readonly person: Person
  readonly permissive: Part
  readonly disabled: Part
  readonly enforcing: Part
}

export function wrongTls({ person, permissive, disabled, enforcing }: TlsOptions): Mistake[] {
  const logOf = async (part: Part, event: string) => {
    const mark = logMark(part.logFile)
    const said = await person.program(1, 'tls-send', part.address, 'hello')
    return said + (await logWith(part.logFile, mark, event))
  }
  return [
    {
      name: 'TLS: a client that does not trust the certificate → its error and the log of the proxy',
      read: () => logOf(permissive, 'grpc.connection.failed'),
      cause: 'self-signed certificate',
      remedy: 'name one that it trusts with tlsCertPath and tlsKeyPath',
    },
    {
      name: 'TLS: to a proxy without → its error and the log of the proxy',
      read: () => logOf(disabled, 'grpc.connection.refused'),
      cause: 'this port takes none (tlsMode is disabled)',
      remedy: 'turn TLS off in the client, or start the proxy with --tls-mode permissive',
    },
    {
      name: 'TLS: plaintext to a proxy that takes TLS only → the error of the SDK',
      read: () => person.program(1, 'send', enforcing.address, 'hello'),
      cause: 'this port takes TLS only (tlsMode is enforcing)',
      remedy: 'turn TLS on in the client',
    },
  ]
}
