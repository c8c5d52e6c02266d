// A port that stands before another one, as a container's port map does: bytes pass, addresses do not.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Forwarder {
  /** `host:port` of the near side. */
  readonly address: string
  readonly port: number
  /** Its connections to the far side. */
  readonly farSockets: ReadonlySet<Socket>
  close(): Promise<void>
}

/** Listens on 127.0.0.1 and passes everything on. */
export async function createForwarder(farHost: string, farPort: number): Promise<Forwarder> {
  const farSockets = new Set<Socket>()
  const nearSockets = new Set<Socket>()
  const listener = createServer((near) => {
    const far = connect(farPort, farHost)
    nearSockets.add(near)
    farSockets.add(far)
    near.pipe(far)
    far.pipe(near)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const { port } = listener.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    port,
    farSockets,
    async close() {
      const closed = once(listener.close(), 'close')
      for (const near of nearSockets) near.destroy()
      await closed
    },
  }
}
