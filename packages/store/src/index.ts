export * from './message-store.ts'
export * from './open-store.ts'
export * from './remedies.ts'
export { FILLER_SIZE, isFillerUnit } from './consume-queue/unit.ts'
