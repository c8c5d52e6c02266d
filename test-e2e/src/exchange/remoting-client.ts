// Remoting as 4.x clients speak it, with as many requests on the way as a load needs. Apache's broker and ours get the
// same bytes.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const PREFIX_BYTES = 8
const FRAME_BYTES_MAX = 16 * 1024 * 1024
/** Of any answer that is not polled for. */
const ANSWER_MS_MAX = 15_000
/** A client of 5.3. Java: MQVersion. */
const VERSION = 479

export type Fields = Readonly<Record<string, string | number | boolean>>

export interface Answer {
  readonly code: number
  readonly remark: string
  readonly fields: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface RemotingClient {
  /** Resolves with the answer of any code; rejects when the connection is lost or nothing comes in time. */
  ask(code: number, fields?: Fields, body?: Buffer): Promise<Answer>
  close(): void
}

/** A code that is not among the expected ones. */
export class UnexpectedAnswer extends Error {
  readonly code: number

  constructor(request: number, { code, remark }: Answer) {
    super(`request ${request} is answered ${code}: ${remark.split('\n')[0]}`)
    this.code = code
  }
}

/** The answer, where its code is 0. */
export async function askOk(client: RemotingClient, code: number, fields?: Fields, body?: Buffer): Promise<Answer> {
  const answer = await client.ask(code, fields, body)
  if (answer.code !== 0) throw new UnexpectedAnswer(code, answer)
  return answer
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Connects to 127.0.0.1; rejects where nobody listens. */
export async function connectRemoting(port: number): Promise<RemotingClient> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  const waiting = new Map<number, Waiting>()
  let opaques = 0
  readFrames(socket, (frame) => {
    const headerEnd = 4 + frame.readUIntBE(1, 3)
    const header = JSON.parse(frame.toString('utf8', 4, headerEnd)) as {
      code: number
      flag: number
      opaque: number
      remark?: string | null
      extFields?: Record<string, string> | null
    }
    // What is no answer is a broker that asks its client; nobody here has anything to say.
    if ((header.flag & 1) === 0) return
    const asker = waiting.get(header.opaque)
    waiting.delete(header.opaque)
    if (asker === undefined) return
    clearTimeout(asker.timer)
    const { code, remark, extFields } = header
    asker.resolve({ code, remark: remark ?? '', fields: extFields ?? {}, body: Buffer.from(frame.subarray(headerEnd)) })
  })
  socket.on('error', () => undefined) // 'close' follows
  socket.on('close', () => {
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer)
      reject(new Error(`the connection to port ${port} is lost`))
    }
    waiting.clear()
  })

  return {
    ask(code, fields = {}, body = Buffer.alloc(0)) {
      opaques += 1
      const opaque = opaques
      const extFields = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
      const header = Buffer.from(
        JSON.stringify({ code, language: 'JAVA', version: VERSION, opaque, flag: 0, extFields }),
      )
      const prefix = Buffer.alloc(PREFIX_BYTES)
      prefix.writeUInt32BE(4 + header.length + body.length)
      prefix.writeUInt32BE(header.length, 4)
      return new Promise((resolve, reject) => {
        if (socket.destroyed) {
          reject(new Error(`the connection to port ${port} is lost`))
          return
        }
        const timer = setTimeout(() => {
          waiting.delete(opaque)
          reject(new Error(`request ${code} is not answered within ${ANSWER_MS_MAX} ms`))
        }, ANSWER_MS_MAX)
        waiting.set(opaque, { resolve, reject, timer })
        socket.write(Buffer.concat([prefix, header, body]))
      })
    },
    close: () => socket.destroy(),
  }
}

/** Hands over each frame without its length. */
function readFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let chunks: Buffer[] = []
  let held = 0
  let wanted = 4
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    held += chunk.length
    if (held < wanted) return
    let bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks)
    for (;;) {
      wanted = bytes.length < 4 ? 4 : 4 + bytes.readUInt32BE(0)
      if (wanted > FRAME_BYTES_MAX) {
        socket.destroy(new Error(`a frame of ${wanted} bytes`))
        return
      }
      if (bytes.length < wanted) break
      onFrame(bytes.subarray(4, wanted))
      bytes = bytes.subarray(wanted)
    }
    chunks = [bytes]
    held = bytes.length
  })
}
