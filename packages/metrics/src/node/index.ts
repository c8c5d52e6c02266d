export * from './pace.ts'
export * from './process-metrics.ts'
