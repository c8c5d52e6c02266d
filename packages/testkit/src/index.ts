export { plainRecord, type PlainFields, storedRecord } from './records.ts'
export * from './sim/index.ts'
export { takeImage, type FolderImage } from './store-faults/folder-image.ts'
export { mutateBytes } from './store-faults/mutate.ts'
