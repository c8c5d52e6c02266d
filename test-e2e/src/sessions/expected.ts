// What is not as it should be and can not be ours.
import type { LanguageName } from '../sdk/languages.ts'

/** Words by which an error blames the inside of a server; the number not as part of an address, nor modules of Node. */
export const BLAME = /(?<!node:)\binternal|\bunknown\b|(?<![.:\d])5000[01]\b/i

/** Errors of that kind that a client makes by itself. */
export const OWN_BLAMES: Readonly<Record<LanguageName, readonly RegExp[]>> = {
  node: [],
  // The core of gRPC, of a connect that was refused: what it tells is UNAVAILABLE.
  python: [/UNAVAILABLE[^]*last error: UNKNOWN: \S+ Failed to connect to remote host/],
  go: [],
  // grpc-java, of a connection that ended: NettyClientHandler.channelInactive.
  java: [/UNAVAILABLE: Network closed for unknown reason/],
  // tonic has no other code for a connection that ended, be it in the middle of an answer, and the client calls whatever
  // fails in a call
  // ErrorKind::ClientInternal (rust/src/session.rs). What a server answered has a code and a message of its own.
  rust: [
    /Client internal error at rpc\.\w+ => send rpc \w+ failed,? source: status: (?:Unknown, message: "(?:transport error|h2 protocol error: error reading a body from connection)|Cancelled|Unavailable|DeadlineExceeded)/i,
    /telemetry response error: Status \{ code: Unknown, message: "h2 protocol error: error reading a body from connection/,
  ],
}
