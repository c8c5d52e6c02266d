// Log events as JSON lines for machines, or as readable lines for a person at a terminal.
import pino from 'pino'
import type { LogEvent, Logger, LogLevel } from '../logger.ts'
import { formatLogLine } from './readable-lines.ts'

export interface PinoLoggerOptions {
  /** The least urgent level that is written. */
  readonly level: LogLevel
  /** Readable lines instead of JSON; without it, readable when standard output is a terminal. */
  readonly pretty?: boolean
  /** Fields of every line, e.g. the name of the service. */
  readonly fields?: Readonly<Record<string, string | number>>
  /** Takes complete lines, for tests; standard output without it. */
  readonly write?: (line: string) => void
}

function destination(options: PinoLoggerOptions): pino.DestinationStream {
  const pretty = options.pretty ?? process.stdout.isTTY
  const output = options.write === undefined ? pino.destination({ fd: 1, sync: true }) : { write: options.write }
  if (!pretty) return output
  const colours = options.write === undefined && process.stdout.isTTY
  return { write: (line) => output.write(formatLogLine(line, colours)) }
}

/** A logger on standard output. `error` and `cause` fields that hold an Error are written with message and stack. */
export function createPinoLogger<E extends LogEvent = LogEvent>(options: PinoLoggerOptions): Logger<E> {
  const logger = pino(
    {
      level: options.level,
      base: options.fields ?? {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
    },
    destination(options),
  )
  return {
    debug: (event) => logger.debug(event),
    info: (event) => logger.info(event),
    warn: (event) => logger.warn(event),
    error: (event) => logger.error(event),
  }
}
