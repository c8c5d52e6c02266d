// Folders that Apache's broker wrote, and what it answered before it left: see README.md for how they were made.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync } from 'node:zlib'
import type { Files } from '@rocketmq-ts/runtime'

const PACKED_BYTES_MAX = 64 * 1024 * 1024

export type Question =
  | { readonly kind: 'max' | 'min' | 'earliest'; readonly topic: string; readonly queueId: number }
  | {
      readonly kind: 'time'
      readonly topic: string
      readonly queueId: number
      readonly boundary: string
      readonly atMs: number
    }
  | {
      readonly kind: 'key'
      readonly topic: string
      readonly key: string
      readonly isUnique: boolean
      readonly beginMs: number
      readonly endMs: number
    }
  | { readonly kind: 'view'; readonly topic: string; readonly commitLogOffset: number }
  | { readonly kind: 'offset'; readonly group: string; readonly topic: string; readonly queueId: number }

/** Messages by number; the body of each begins with it. */
export interface Deliveries {
  readonly topic: string
  readonly group: string
  readonly acked: readonly number[]
  /** Popped for ten minutes and not acknowledged. */
  readonly out: readonly number[]
}

export interface Expected {
  readonly apache: string
  readonly settings: Readonly<Record<string, number>>
  /** Of each message its place, by number. */
  readonly messages: readonly (readonly [topic: string, queueId: number, queueOffset: number])[]
  readonly deliveries: readonly Deliveries[]
  readonly questions: readonly (Question & { readonly answer: string })[]
}

export function readExpected(name: string): Expected {
  return JSON.parse(read(`${name}.expected.json`).toString()) as Expected
}

/** Writes the folder below `root`, with all its holes. */
export async function unpackFolder(name: string, files: Files, root: string): Promise<void> {
  const packed = brotliDecompressSync(read(`${name}.store.br`), { maxOutputLength: PACKED_BYTES_MAX })
  const folder = JSON.parse(packed.toString()) as {
    files: { path: string; bytes: number; ranges: [at: number, content: string][] }[]
  }
  for (const { path, bytes, ranges } of folder.files) {
    const full = `${root}/${path}`
    await files.makeFolder(full.slice(0, full.lastIndexOf('/')), { durable: true })
    const file = await files.open(full, 'create')
    await file.truncate(bytes)
    for (const [at, content] of ranges) file.writeSync(at, [Buffer.from(content, 'base64')])
    await file.sync()
    await file.close()
    await files.syncFolder(full.slice(0, full.lastIndexOf('/')))
  }
}

function read(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(name, import.meta.url)))
}
