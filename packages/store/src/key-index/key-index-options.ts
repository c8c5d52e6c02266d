// What a key index is made with, and what a checkpoint keeps of it.
import type { Clock, Files, Scheduler } from '@rocketmq-ts/runtime'
import type { IndexFileState, IndexGeometry } from './layout.ts'

/** What the files hold that a sync has seen. */
export interface IndexState {
  /** Every key of a record that starts below is in the files. */
  readonly coversTo: number
  /** In their order. All but the last are full. */
  readonly files: readonly IndexFileState[]
}

export interface KeyIndexOptions {
  readonly files: Files
  readonly clock: Pick<Clock, 'nowMs'>
  readonly scheduler: Scheduler
  /** The folder `index`, made with the first file. */
  readonly folder: string
  readonly geometry: IndexGeometry
  /** Entries in memory, at most. */
  readonly unpersistedMax?: number | undefined
  /** Entries could not be written for want of space; they wait. */
  readonly onFull: (error: Error) => void
  /** A file could not be written: see `failure`. */
  readonly onFailure: (error: Error) => void
}
