/** Levels in rising order of urgency. `error` means that a person must act. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** A log line is an interface: a named event with typed fields, never a message body, key or credential. */
export interface LogEvent {
  readonly event: string
}

/** `E` is the union of a service's events; the type checks name and fields. */
export interface Logger<E extends LogEvent = LogEvent> {
  debug(event: E): void
  info(event: E): void
  warn(event: E): void
  error(event: E): void
}

/** Forgets everything. */
export const silentLogger: Logger<LogEvent> = { debug() {}, info() {}, warn() {}, error() {} }
