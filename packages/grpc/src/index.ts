export * from './limits.ts'
export * from './memory/memory-client.ts'
export * from './memory/memory-grpc.ts'
export * from './transport.ts'
