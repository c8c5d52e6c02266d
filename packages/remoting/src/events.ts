// What the transport reports. Addresses and reasons only, never a header field or a body.

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
