// Entry point '@rocketmq-ts/grpc/v2': the messages of apache.rocketmq.v2 with their codecs, and its methods.
// A name such as `SendMessageRequest` is both the decoded type and the codec; `…Init` is what encoding accepts.
export * from './generated/v2.ts'
export type { Codec } from './codec.ts'
export * from './methods.ts'
export * from './time.ts'
