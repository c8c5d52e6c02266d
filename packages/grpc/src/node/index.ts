export * from './events.ts'
export * from './grpc-js.ts'
export { checkIdentity, type TlsIdentity } from './tls-acceptor.ts'
export * from './self-signed.ts'
