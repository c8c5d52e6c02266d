// What every command gets: the printer, and a session that is opened on use and closed at the end.
import type { Host } from './host.ts'
import { createPrinter, type Printer } from './output/printer.ts'
import type { NameServerSetting, Session } from './session.ts'

/** Options that every command knows. */
export interface GlobalOptions {
  readonly nameserver?: readonly string[] | undefined
  readonly json?: boolean | undefined
  readonly timeout: number
}

export interface Context {
  readonly host: Host
  readonly printer: Printer
  readonly timeoutMs: number
  /** The same session at every call. */
  session(): Promise<Session>
  close(): void
}

export const NAMESERVER_DEFAULT = '127.0.0.1:9876'
export const NAMESERVER_VARIABLE = 'RMQ_NAMESERVER'

/** @param readAddresses of the variable; throws CliFailure 'usage' for a text that is no list of addresses */
export function createContext(
  host: Host,
  options: GlobalOptions,
  readAddresses: (text: string, source: string) => readonly string[],
): Context {
  let session: Session | undefined

  function setting(): NameServerSetting {
    if (options.nameserver !== undefined) return { addresses: options.nameserver, source: '--nameserver' }
    const variable = host.env[NAMESERVER_VARIABLE] ?? ''
    if (variable !== '') return { addresses: readAddresses(variable, NAMESERVER_VARIABLE), source: NAMESERVER_VARIABLE }
    return { addresses: [NAMESERVER_DEFAULT], source: 'the default' }
  }

  return {
    host,
    printer: createPrinter(host, options.json === true),
    timeoutMs: options.timeout,
    async session() {
      if (session !== undefined) return session
      const set = setting()
      const [{ openSession }, effects] = await Promise.all([import('./session.ts'), host.effects()])
      session ??= openSession({ effects, setting: set, timeoutMs: options.timeout, interrupted: host.interrupted })
      return session
    },
    close: () => session?.close(),
  }
}
