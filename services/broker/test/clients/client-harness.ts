// Clients and connections as tests need them.
import type { ClientEntry, Peer } from '@rocketmq-ts/remoting'

/** A connection that the test ends. */
export function fakePeer(): Peer & { end(): void } {
  let callbacks: (() => void)[] | undefined = []
  const peer = {
    remoteAddress: '10.0.0.7:40001',
    onClose(callback: () => void) {
      if (callbacks === undefined) callback()
      else callbacks.push(callback)
    },
    end() {
      for (const callback of callbacks ?? []) callback()
      callbacks = undefined
    },
  }
  return peer as unknown as Peer & { end(): void }
}

export function entryOf(clientId: string, changes: Partial<ClientEntry> = {}): ClientEntry {
  return {
    clientId,
    kind: 'UNKNOWN',
    group: '',
    language: 'JAVA',
    version: '5.2.0',
    address: '10.0.0.9:5000',
    sinceMs: 1_700_000_000_000,
    isReachable: true,
    topics: [],
    subscriptions: [],
    ...changes,
  }
}
