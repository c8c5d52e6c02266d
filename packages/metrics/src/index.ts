export * from './definition.ts'
export * from './names.ts'
export * from './registry.ts'
export * from './remoting-metrics.ts'
