export * from './tag-filter.ts'
