export * from './parse-config.ts'
export * from './schema.ts'
export * from './setting.ts'
export * from './sources.ts'
