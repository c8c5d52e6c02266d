export * from './ids.ts'
export * from './mq-error.ts'
