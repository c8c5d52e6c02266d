export * from './codec/define-request.ts'
export * from './peer.ts'
