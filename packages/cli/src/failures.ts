// How a command ends. Exit codes are a contract with scripts; a failure says what is wrong and what to do about it.
import type { MqError, MqErrorCode } from '@rocketmq-ts/model'

export const ExitCode = {
  OK: 0,
  /** The operation failed, or a part of the cluster did not answer. */
  FAILED: 1,
  /** The command line is wrong: nothing was done. Or, of a check: it could not be made. */
  USAGE: 2,
  /** Ctrl-C before the end. */
  INTERRUPTED: 130,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** What stopped a command. */
export class CliFailure extends Error {
  /** For programs. */
  readonly code: MqErrorCode | 'usage' | 'input' | 'not-checked' | 'not-found'
  readonly remedy: string | undefined

  constructor(code: CliFailure['code'], message: string, remedy?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CliFailure'
    this.code = code
    this.remedy = remedy
  }

  get exitCode(): ExitCode {
    return this.code === 'usage' || this.code === 'not-checked' ? ExitCode.USAGE : ExitCode.FAILED
  }
}

const remedies: Partial<Record<MqErrorCode, string>> = {
  timeout: 'Give it more time with --timeout, or look at the log of the server that was asked.',
  'topic-not-found': 'Create it with: rmq topic create <topic>',
  'group-not-found': 'Create it with: rmq group create <group>',
  'not-implemented': 'This server does not know the request; rmq needs rocketmq-ts or Apache RocketMQ 5.',
  busy: 'The server has more to do than it may; try again.',
  'store-refused': 'The broker can not write its log any more; its own log says why.',
  'disk-full': 'Free space on the disk of the broker.',
}

/** The failure that an error of a server is. */
export function failureOf(error: MqError): CliFailure {
  return new CliFailure(error.code, error.message, remedies[error.code], error)
}

/** MqError by its name: its class is loaded only when a server is talked to. */
export function isMqError(error: unknown): error is MqError {
  return error instanceof Error && error.name === 'MqError'
}
