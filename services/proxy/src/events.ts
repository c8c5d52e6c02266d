// What a proxy reports. Names, places and reasons only, never a body, a key or a credential.
import type { Remedies } from '@rocketmq-ts/runtime'

/** Everything the proxy logs. No message content, no credentials. */
export type ProxyEvent =
  | { readonly event: 'proxy.started'; readonly addresses: readonly string[] }
  | { readonly event: 'proxy.stopped' }
  /** Parts of it did not stop in time, or failed at it. */
  | { readonly event: 'proxy.stop-failed'; readonly message: string }
  /** Other machines can connect, without authentication. */
  | { readonly event: 'proxy.open'; readonly host: string }
  /** A defect: an exception that is no operating error. The call was answered with an internal error. */
  | { readonly event: 'rpc.defect'; readonly method: string; readonly error: string }
  | { readonly event: 'rpc.malformed'; readonly method: string; readonly clientId: string; readonly reason: string }
  /** It did not answer; told again only when it has answered meanwhile. Calls go to others, or wait for it. */
  | { readonly event: 'broker.away'; readonly brokerName: string; readonly reason: string }
  | { readonly event: 'group.lookup-failed'; readonly group: string; readonly reason: string }
  /** A broker did not answer within `waitedMs`: what it may have popped comes again when its invisible time is over. */
  | {
      readonly event: 'pop.unanswered'
      readonly brokerName: string
      readonly group: string
      readonly topic: string
      readonly waitedMs: number
      readonly reason: string
    }
  /** Popped, neither delivered nor settled: it comes again when its invisible time is over. */
  | { readonly event: 'delivery.unsettled'; readonly group: string; readonly topic: string; readonly reason: string }
  | { readonly event: 'renewal.lost'; readonly group: string; readonly topic: string; readonly reason: string }
  /** A broker's clock is far from ours: `aheadMs` is negative when it is behind. Told once while it lasts. */
  | {
      readonly event: 'broker.clock-differs'
      readonly brokerName: string
      readonly aheadMs: number
      readonly remedy: string
    }
  /** Brokers were not told that producers of transactions are here: they are told again soon, and ask later. */
  | { readonly event: 'producers.unannounced'; readonly reason: string }
  /** A broker was not told which clients are here: it is told again soon. */
  | { readonly event: 'clients.untold'; readonly reason: string }
  | { readonly event: 'client.expired'; readonly clientId: string; readonly silentMs: number }

/** What an operator must do about an event of a proxy. */
export const PROXY_REMEDIES: Remedies<ProxyEvent> = {
  'proxy.stop-failed': 'What it held comes again when its invisible time is over. See which broker does not answer.',
  'proxy.open': 'Keep the network closed: whoever reaches the port may do everything.',
  'rpc.defect': 'A defect: report it with this line. Other calls are not affected.',
  'broker.away': 'Check the broker and the network to it. Calls go to others, or wait.',
}

/** The text of anything thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
