export * from './configure-process.ts'
export * from './configure.ts'
export * from './memory-limit.ts'
