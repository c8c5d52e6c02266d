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
