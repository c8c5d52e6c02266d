// Clients by id. A client lives as long as it is heard of; a lost stream or connection alone ends nothing.
// Java: GrpcClientSettingsManager, ClientActivity. Invariant: at most `clientsMax` entries, each in the wheel.
import type { GrpcCall } from '@rocketmq-ts/grpc'
import type { ClientType, TelemetryCommandInit } from '@rocketmq-ts/grpc/v2'
import { type ClientSubscription, formatAddress } from '@rocketmq-ts/remoting'
import type { Clock, Scheduler } from '@rocketmq-ts/runtime'
import { createDeadlineWheel, NO_BUCKET, type WheelItem } from '../deadline-wheel.ts'

export interface Client extends WheelItem {
  readonly clientId: string
  /** Undefined until settings or a heartbeat tell. */
  clientType: ClientType | undefined
  /** '' for producers. */
  group: string
  /** What it produces for. */
  topics: readonly string[]
  subscriptions: readonly ClientSubscription[]
  /** As it names them; '' where it does not. */
  language: string
  version: string
  /** 'host:port' of its connection. */
  address: string
  /** When it was first heard of, in milliseconds since 1970. */
  readonly sinceMs: number
  /** What the client said of its own request timeout. */
  requestTimeoutMs: number | undefined
  /** Writes to the newest telemetry stream; false when it is gone, or full. */
  push: ((command: TelemetryCommandInit) => boolean) | undefined
  /** Tells it its settings again, as they are now; undefined without a stream. */
  tellSettings: (() => void) | undefined
  seenMs: number
}

/** Where a client is met. */
export type Meeting = Pick<GrpcCall, 'metadata' | 'remoteAddress'>

export interface Clients {
  /** The client, made if it is new and noted as alive; undefined when the table is full. */
  see(clientId: string, call: Meeting): Client | undefined
  /** Something of it is not as it was. */
  changed(client: Client): void
  find(clientId: string): Client | undefined
  /** The client says goodbye. */
  remove(clientId: string): void
  clear(): void
  all(): Iterable<Client>
  readonly size: number
}

export interface ClientsDeps {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly clientsMax: number
  readonly expireMs: number
  /** The client left, or was silent for too long. */
  readonly onGone: (client: Client, why: 'left' | 'expired') => void
  /** The client is new, or something of it is. */
  readonly onChanged: (client: Client) => void
  readonly onFull: () => void
}

/** Creates it, with nobody known. */
export function createClients(deps: ClientsDeps): Clients {
  const { clock, scheduler, clientsMax, expireMs, onGone, onChanged, onFull } = deps
  const byId = new Map<string, Client>()
  const wheel = createDeadlineWheel<Client>({
    clock,
    scheduler,
    onDue(clients) {
      const now = clock.monotonicMs()
      for (const client of clients) {
        // Being heard of only notes the time; the wheel learns of it here.
        if (client.seenMs + expireMs > now) wheel.put(client, client.seenMs + expireMs)
        else {
          byId.delete(client.clientId)
          onGone(client, 'expired')
        }
      }
    },
  })

  function make(clientId: string, { metadata, remoteAddress }: Meeting): Client {
    const client: Client = {
      clientId,
      clientType: undefined,
      group: '',
      topics: [],
      subscriptions: [],
      language: metadata.get('x-mq-language') ?? '',
      version: metadata.get('x-mq-client-version') ?? '',
      address: formatAddress(remoteAddress),
      sinceMs: clock.nowMs(),
      requestTimeoutMs: undefined,
      push: undefined,
      tellSettings: undefined,
      seenMs: clock.monotonicMs(),
      bucket: NO_BUCKET,
    }
    byId.set(clientId, client)
    wheel.put(client, client.seenMs + expireMs)
    onChanged(client)
    return client
  }

  return {
    see(clientId, call) {
      const known = byId.get(clientId)
      if (known !== undefined) {
        known.seenMs = clock.monotonicMs()
        return known
      }
      if (byId.size < clientsMax) return make(clientId, call)
      onFull()
      return undefined
    },
    changed: onChanged,
    find: (clientId) => byId.get(clientId),
    remove(clientId) {
      const client = byId.get(clientId)
      if (client === undefined) return
      byId.delete(clientId)
      wheel.take(client)
      onGone(client, 'left')
    },
    clear() {
      byId.clear()
      wheel.clear()
    },
    all: () => byId.values(),
    get size() {
      return byId.size
    },
  }
}
