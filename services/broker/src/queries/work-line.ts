// Work of which only so much is done at a time; the rest waits in a line, in order of arrival.
import { MqError } from '@rocketmq-ts/model'

export interface WorkLineOptions {
  /** Pieces of work done at a time. */
  readonly inWorkMax: number
  /** Pieces that wait, at most. */
  readonly waitingMax: number
  /** What the pieces are called in an error. */
  readonly name: string
}

/** Does the work when it is its turn, and answers as it does. Rejects with MqError 'busy' where the line is full. */
export type WorkLine = <Result>(work: () => Promise<Result>) => Promise<Result>

/** Creates a line in which nobody waits yet. */
export function createWorkLine({ inWorkMax, waitingMax, name }: WorkLineOptions): WorkLine {
  /** In order; a Set gives up its first without moving the others. */
  const waiting = new Set<() => void>()
  let inWork = 0

  function enter(): Promise<void> {
    if (inWork < inWorkMax) {
      inWork += 1
      return Promise.resolve()
    }
    if (waiting.size >= waitingMax) {
      throw new MqError('busy', `${inWork} ${name} are in work and ${waiting.size} wait; ask again later`)
    }
    return new Promise((resolve) => void waiting.add(resolve))
  }

  /** The place goes to the first who waits. */
  function leave(): void {
    const [next] = waiting
    if (next === undefined) {
      inWork -= 1
      return
    }
    waiting.delete(next)
    next()
  }

  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
