import type { SpawnOptions } from 'node:child_process'

export const ROOT: string
export const CACHE_FOLDER: string
export const THREADPOOL_SIZE: string
export function bootstrap(scriptUrl: string): Promise<boolean>
export function run(command: string, args: readonly string[], options?: SpawnOptions): Promise<number>
export function installStampOf(root: string): string
