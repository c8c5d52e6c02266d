// A row of the gRPC tables: what is sent, the code that must come back, and what its message must name.
import { decodeReply, encodeRequest, frameOf, type GrpcConnection, pathOf } from './grpc-wire.ts'

export interface GrpcCase {
  readonly name: string
  readonly method: string
  /** By the names of the .proto files. */
  readonly request: object
  /** Changes the encoded message. */
  readonly edit?: (message: Buffer) => Buffer
  /** In place of the message with its prefix. */
  readonly data?: Buffer
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** It may cost its connection, so it gets its own. */
  readonly alone?: boolean
  /** The client keeps its side of the call open. */
  readonly unfinished?: boolean
  /** Everything that the client sends comes byte by byte, on a connection of its own. */
  readonly trickled?: boolean
  /** Name of a code in the body, `grpc <status>`, `http <status>` or `no answer`. */
  readonly expected: string
  /** The field, or what else the message must tell. */
  readonly names?: string
}

interface Answer {
  readonly status: { readonly code: string; readonly message: string } | null
  readonly receipt_handle?: string
}

/** Undefined: as expected. Otherwise what came instead. */
export async function differenceOf(connection: GrpcConnection, row: GrpcCase): Promise<string | undefined> {
  const { method, request, edit = (message: Buffer) => message, headers, expected, names = '' } = row
  const { unfinished = false } = row
  const data = row.data ?? frameOf(edit(encodeRequest(method, request)))
  const reply = await connection.call({
    path: pathOf(method),
    data,
    end: !unfinished,
    ...(headers === undefined ? {} : { headers }),
  })
  let outcome: string
  let message = reply.grpcMessage
  if (reply.httpStatus !== 200 && reply.httpStatus !== 0) outcome = `http ${reply.httpStatus}`
  else if (reply.grpcStatus === undefined) {
    outcome = 'no answer'
    message = reply.broken ?? ''
  } else if (reply.grpcStatus !== 0) outcome = `grpc ${reply.grpcStatus}`
  else {
    const answers = reply.messages.map((bytes) => decodeReply<Answer>(method, bytes))
    const status = answers.find((answer) => answer.status !== null)?.status
    outcome = status?.code ?? 'no status'
    message = status?.message ?? ''
  }
  if (outcome !== expected) return `${expected} expected, not ${outcome}: ${message.slice(0, 300)}`
  if (!message.includes(names)) return `${names} is not named in: ${message.slice(0, 300)}`
  return undefined
}
