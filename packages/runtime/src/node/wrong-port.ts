// Tells a client on a real connection that it has the wrong port, and closes it. Bounded in bytes and time.
import type net from 'node:net'
import { createWrongPortAnswer } from '../wrong-port/answer.ts'
import type { Protocol } from '../wrong-port/protocol.ts'

/** A client that does not close its side in this time is cut off. */
const GONE_MS_MAX = 2_000

/** Takes over a socket whose first bytes were these. Whoever owned it reads and writes no more. */
export function answerWrongPort(socket: net.Socket, first: Uint8Array, protocol: Protocol, text: string): void {
  const answer = createWrongPortAnswer(protocol, text)
  if (answer === undefined) {
    socket.destroy()
    return
  }
  const cut = setTimeout(() => socket.destroy(), GONE_MS_MAX)
  socket.once('close', () => clearTimeout(cut))
  let isDone = false
  const take = (bytes: Uint8Array) => {
    if (isDone) return
    const reply = answer.take(bytes)
    isDone = reply.isDone
    socket.write(reply.bytes)
    // What else it says is read and dropped: unread bytes would take the answer back.
    if (isDone) socket.end()
  }
  socket.on('data', take)
  take(first)
  socket.resume()
}
