export * from './message-store.ts'
export * from './store.ts'
export { FILLER_SIZE, isFillerUnit } from './consume-queue/unit.ts'
