export * from './answer.ts'
export * from './protocol.ts'
