// The sidecar that remembers up to where the log was provably flushed. Written after the sync that proved it, so it may
// be behind but never ahead: damage below it is a loss to report, invalid bytes above it are debris of a crash.
import { discardGenerationsBeyond, type Files, readGenerations, writeGeneration } from '@rocketmq-ts/runtime'

const KIND = 'FLSH'
const VERSION = 1
const NO_PAYLOAD = new Uint8Array(0)

/** Remembers that everything below `position` was flushed. */
export async function writeFlushedMark(files: Files, path: string, position: number): Promise<void> {
  await writeGeneration(files, path, { kind: KIND, version: VERSION, coversTo: position, payload: NO_PAYLOAD })
}

/** How the generations of the mark are read. */
export const FLUSHED_MARK = { kind: KIND, versionMax: VERSION, payloadBytesMax: 0 }

/** Forgets what was flushed: another broker may have cut the log. */
export async function discardFlushedMarks(files: Files, path: string): Promise<void> {
  const { valid } = await readGenerations(files, path, FLUSHED_MARK)
  await discardGenerationsBeyond(files, valid, -1)
}

/** The newest readable mark; undefined where there is none. */
export async function readFlushedMark(files: Files, path: string): Promise<number | undefined> {
  const { valid } = await readGenerations(files, path, FLUSHED_MARK)
  return valid.length === 0 ? undefined : Math.max(...valid.map((generation) => generation.coversTo))
}
