import { REMOTING_REMEDIES, type RemotingEvent } from '@rocketmq-ts/remoting'
import type { Remedies } from '@rocketmq-ts/runtime'

/** Every log line of a nameserver: name and fields. */
export type NameServerEvent =
  | { event: 'nameserver.started'; listen: string }
  | { event: 'nameserver.stopped' }
  /** Parts of it did not stop in time, or failed at it. */
  | { event: 'nameserver.stop-failed'; message: string }
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

/** What an operator must do about an event that a nameserver logs. */
export const NAMESERVER_REMEDIES: Remedies<NameServerEvent | RemotingEvent> = {
  ...REMOTING_REMEDIES,
  'nameserver.stop-failed': 'Nothing is lost. Report it with this line.',
  'nameserver.open': 'Keep the network closed: whoever reaches the port may do everything.',
  'broker.refused': 'Give each broker a name and address of its own; for «full», raise brokersMax or topicsMax.',
}
