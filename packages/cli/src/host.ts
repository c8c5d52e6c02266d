// What a command sees of the machine and the terminal: main.ts has the real ones, tests have their own.
import type { Effects } from '@rocketmq-ts/runtime'

export type CliEffects = Pick<Effects, 'clock' | 'scheduler' | 'network' | 'random' | 'files'>

export interface Output {
  write(text: string): void
  /** A person reads it. */
  readonly isTTY: boolean
  readonly isColoured: boolean
}

export interface Input {
  readonly isTTY: boolean
  /** Everything up to the end. Rejects with CliFailure beyond `bytesMax`. */
  readAll(bytesMax: number): Promise<Uint8Array>
  /** One line that a person types. */
  ask(question: string): Promise<string>
}

export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly out: Output
  readonly err: Output
  readonly input: Input
  /** Loaded on use: help and completion need none. */
  effects(): Promise<CliEffects>
  /** The path from the root, of one that may start where the person is. */
  absolutePath(path: string): string
  /** Rejects with CliFailure naming the path. */
  readFile(path: string, bytesMax: number): Promise<Uint8Array>
  /** Ctrl-C. What waits ends then, and what is under way is finished. */
  readonly interrupted: AbortSignal
}
