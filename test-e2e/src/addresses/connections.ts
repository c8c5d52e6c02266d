// Every TCP connection that this process makes, so that a client which bypasses a port map is seen.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { Forwarder } from './forwarder.ts'

const CHANNEL = 'net.client.socket'

/** Runs the work and returns where this process connected meanwhile, without the far sides of the forwarder. */
export async function connectionsDuring(work: () => Promise<unknown>, forwarder?: Forwarder): Promise<Set<string>> {
  const seen = new Map<Socket, string>()
  const onSocket = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket }
    socket.once('connect', () => seen.set(socket, `${socket.remoteAddress}:${socket.remotePort}`))
  }
  subscribe(CHANNEL, onSocket)
  try {
    await work()
  } finally {
    unsubscribe(CHANNEL, onSocket)
  }
  return new Set(
    [...seen].filter(([socket]) => forwarder?.farSockets.has(socket) !== true).map(([, address]) => address),
  )
}
