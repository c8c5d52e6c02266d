/** Every log line of a nameserver: name and fields. */
export type NameServerEvent =
  | { event: 'nameserver.started'; listen: string }
  | { event: 'nameserver.stopped' }
  /** Other machines can connect, without authentication. */
  | { event: 'nameserver.open'; host: string }
  | {
      event: 'broker.registered'
      cluster: string
      brokerName: string
      brokerId: number
      brokerAddr: string
      topics: number
    }
  | {
      event: 'broker.refused'
      brokerName: string
      brokerId: number
      brokerAddr: string
      reason: 'outdated' | 'incomplete' | 'full'
    }
  | {
      event: 'broker.left'
      brokerName: string
      brokerAddr: string
      /** 'replaced': another address took its id. */
      reason: 'unregistered' | 'expired' | 'disconnected' | 'replaced'
    }
  /** An operator: routes name it for reading only, or as it announces itself again. */
  | { event: 'broker.drained' | 'broker.undrained'; brokerName: string; topics: number }
