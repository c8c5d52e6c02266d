import type { Remedies } from '@rocketmq-ts/runtime'

/** Everything the standalone server itself logs; the services have lists of their own. */
export type StandaloneEvent =
  | {
      readonly event: 'standalone.ready'
      readonly grpc: string
      readonly broker: string
      readonly nameserver: string
      readonly health: string
      readonly dataDir: string
      readonly startMs: number
    }
  /** Other machines can connect, without authentication. */
  | { readonly event: 'standalone.open'; readonly host: string }
  | { readonly event: 'standalone.stopping'; readonly signal: string }
  | { readonly event: 'standalone.stopped' }
  | { readonly event: 'standalone.stop-failed'; readonly message: string }

/** What an operator must do about an event of the standalone server itself. */
export const STANDALONE_REMEDIES: Remedies<StandaloneEvent> = {
  'standalone.open': 'Keep the network closed: whoever reaches the ports may do everything.',
  'standalone.stop-failed': 'Start it again: it recovers as after a crash. Report it with this line.',
}
