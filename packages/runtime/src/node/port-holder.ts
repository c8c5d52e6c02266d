// Who holds a port that is taken, as far as the system tells: on Linux, and of processes that this user may look into.
import fs from 'node:fs'
import { basename } from 'node:path'
import { NetworkError } from '../network.ts'

const SOCKET_TABLES = ['/proc/net/tcp', '/proc/net/tcp6']
const LISTENS = '0A'
/** Columns of a line of these tables: `sl local remote state …`, the inode of the socket is the tenth. */
const LOCAL = 1
const STATE = 3
const INODE = 9
/** A machine with more is not searched to the end. */
const PROCESSES_MAX = 4096
const WORDS_SHOWN = 2
const WORD_CHARS_MAX = 64

/** The error for a port that can not be had because somebody listens on it. */
export function portTaken(host: string, port: number, cause: unknown): NetworkError {
  const holder = findPortHolder(port)
  const by = holder === undefined ? 'by another process' : `by ${holder}`
  return new NetworkError('address-in-use', `port ${host}:${port} is taken ${by}`, cause)
}

/** `process 4711 (node main.mjs)`; undefined where the system does not tell. Reads files: only for a start that failed. */
export function findPortHolder(port: number): string | undefined {
  const links = new Set(inodesListening(port).map((inode) => `socket:[${inode}]`))
  if (links.size === 0) return undefined
  const pids = namesIn('/proc').filter((name) => /^\d+$/.test(name))
  const pid = pids.slice(0, PROCESSES_MAX).find((each) => holdsOne(each, links))
  return pid === undefined ? undefined : `process ${pid}${commandOf(pid)}`
}

function inodesListening(port: number): string[] {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return SOCKET_TABLES.flatMap((path) => textOf(path).split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[STATE] === LISTENS && columns[LOCAL]?.endsWith(ending) === true)
    .map((columns) => columns[INODE] ?? '')
}

function holdsOne(pid: string, links: ReadonlySet<string>): boolean {
  return namesIn(`/proc/${pid}/fd`).some((fd) => {
    try {
      return links.has(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))
    } catch {
      return false // closed meanwhile
    }
  })
}

/** The program and what it runs, without folders and without flags, which may hold secrets. */
function commandOf(pid: string): string {
  const words = textOf(`/proc/${pid}/cmdline`).split('\0')
  const shown = words.slice(0, WORDS_SHOWN).filter((word) => word !== '' && !word.startsWith('-'))
  return shown.length === 0 ? '' : ` (${shown.map((word) => basename(word).slice(0, WORD_CHARS_MAX)).join(' ')})`
}

function textOf(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return '' // another system, or a process that has ended
  }
}

function namesIn(path: string): string[] {
  try {
    return fs.readdirSync(path)
  } catch {
    return [] // not ours to look into
  }
}
