export * from './config.ts'
export * from './events.ts'
export * from './nameserver.ts'
export * from './memory.ts'
