// Turns what stopped a start into a sentence that names cause and remedy.
import { FileError, NetworkError } from '@rocketmq-ts/runtime'

/** Whose start failed, and the flag that would change it. */
export interface StartedPart {
  /** As in a sentence: 'the broker'. */
  readonly name: string
  readonly flag: string
  readonly host: string
  readonly port: number
}

/** A start that failed for a reason outside; its message is for people. */
export class StartFailure extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'StartFailure'
  }
}

/** Explains errors of ports and folders; any other error is returned as it is. */
export function explainStart(part: StartedPart, error: unknown): unknown {
  if (error instanceof NetworkError && error.code === 'address-in-use') {
    const remedy = `Choose another with ${part.flag}, or stop the process that holds it.`
    return new StartFailure(`${part.name} can not start: ${error.message}. ${remedy}`, error)
  }
  if (error instanceof NetworkError) {
    return new StartFailure(`${part.name} can not listen on ${part.host}:${part.port}: ${error.message}`, error)
  }
  if (error instanceof FileError && error.code === 'locked') {
    return new StartFailure(`${error.message}. Choose another folder with --data-dir.`, error)
  }
  if (error instanceof FileError) return new StartFailure(`${error.message}. Check --data-dir.`, error)
  return error
}
