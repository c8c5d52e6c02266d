// What the transport reports. Addresses and reasons only, never a header field or a body.
import type { Remedies } from '@rocketmq-ts/runtime'

export type RemotingEvent =
  | { event: 'listener.started'; listener: string; address: string }
  | { event: 'connection.opened'; listener: string; remoteAddress: string }
  | { event: 'connection.closed'; listener: string; remoteAddress: string; reason: string }
  | { event: 'connection.refused'; listener: string; remoteAddress: string; connectionsMax: number }
  | { event: 'stream.refused'; listener: string; remoteAddress: string; reason: string }
  | { event: 'request.given-up'; listener: string; remoteAddress: string; reason: string }
  | { event: 'peer.too-slow'; listener: string; remoteAddress: string; bufferedBytes: number }
  | { event: 'answer.invalid'; requestCode: number; reason: string }
  | { event: 'handler.failed'; requestCode: number; reason: string }

/** What an operator must do about an event of the transport. */
export const REMOTING_REMEDIES: Remedies<RemotingEvent> = {
  'connection.refused': 'Find out who opens so many connections, or add brokers or proxies.',
  'stream.refused': 'Check what connects from there: the port takes the remoting protocol only.',
  'peer.too-slow': 'Check the network to this client, and whether it hangs.',
  'answer.invalid': 'A defect: report it with this line. The caller got an error.',
  'handler.failed': 'A defect: report it with this line. The caller got an error.',
}
