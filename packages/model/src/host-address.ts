// IP addresses between text and the 4 or 16 bytes of records and message ids. Names are refused: nothing is resolved here.
import { readInt32, writeInt32 } from '@rocketmq-ts/bytes'
import { MqError } from './mq-error.ts'

/** Where a message was born or stored. `host` is an IPv4 or IPv6 address as text. */
export interface HostAddress {
  readonly host: string
  readonly port: number
}

const MAPPED_PREFIX = '::ffff:'

/** An IPv4 address that a dual-stack socket shows as IPv6, as its plain IPv4 text. */
function plainHost(host: string): string {
  return host.startsWith(MAPPED_PREFIX) && host.includes('.') ? host.slice(MAPPED_PREFIX.length) : host
}

/** The last two IPv4 addresses that were written, and their bytes: where messages are stored, and where many were born. */
const known = { host: '0.0.0.0', bytes: 0, otherHost: '0.0.0.0', otherBytes: 0 }

/** 4 for IPv4 (also mapped into IPv6), 16 for IPv6; only looks at the form. */
export function hostBytesLength(host: string): 4 | 16 {
  if (host === known.host || host === known.otherHost) return 4
  if (!host.includes(':')) return 4
  return plainHost(host).includes(':') ? 16 : 4
}

/** Writes the address at `at` and returns its length, 4 or 16. MqError 'parameter-invalid' for any other text. */
export function writeHost(host: string, into: Uint8Array, at: number): 4 | 16 {
  if (host === known.host) {
    writeInt32(into, at, known.bytes)
    return 4
  }
  if (host === known.otherHost) {
    writeInt32(into, at, known.otherBytes)
    return 4
  }
  const plain = host.includes(':') ? plainHost(host) : host
  if (!plain.includes(':')) {
    if (!writeIpv4(plain, into, at)) throw illegalHost(host)
    if (at + 4 > into.length) return 4
    known.otherHost = known.host
    known.otherBytes = known.bytes
    known.host = host
    known.bytes = readInt32(into, at)
    return 4
  }
  const words = parseIpv6(plain)
  if (words === undefined) throw illegalHost(host)
  words.forEach((word, index) => {
    into[at + 2 * index] = word >>> 8
    into[at + 2 * index + 1] = word
  })
  return 16
}

/** The text of 4 or 16 bytes; IPv6 with its longest run of zeros shortened. */
export function readHost(bytes: Uint8Array, at: number, length: 4 | 16): string {
  if (length === 4) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
  const words: number[] = []
  for (let index = 0; index < 8; index += 1) words.push((bytes[at + 2 * index]! << 8) | bytes[at + 2 * index + 1]!)
  const run = longestZeroRun(words)
  const hex = (part: number[]): string => part.map((word) => word.toString(16)).join(':')
  if (run.length < 2) return hex(words)
  return `${hex(words.slice(0, run.start))}::${hex(words.slice(run.start + run.length))}`
}

function illegalHost(host: string): MqError {
  return new MqError('parameter-invalid', `host: '${host.slice(0, 64)}' is not an IP address; resolve names first`)
}

function writeIpv4(text: string, into: Uint8Array, at: number): boolean {
  let part = 0
  let digits = 0
  let dots = 0
  for (let index = 0; index <= text.length; index += 1) {
    const code = index < text.length ? text.charCodeAt(index) : 46
    if (code === 46) {
      if (digits === 0 || part > 255 || dots > 3) return false
      into[at + dots] = part
      dots += 1
      part = 0
      digits = 0
    } else if (code >= 48 && code <= 57 && digits < 3) {
      part = part * 10 + code - 48
      digits += 1
    } else return false
  }
  return dots === 4
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseWords(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? parseWords(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail]
}

function parseWords(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const words: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (mayEndInIpv4 && index === parts.length - 1 && part.includes('.')) {
      const quad = new Uint8Array(4)
      if (!writeIpv4(part, quad, 0)) return undefined
      words.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) words.push(Number.parseInt(part, 16))
    else return undefined
  }
  return words
}

function longestZeroRun(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let index = 0; index <= words.length; index += 1) {
    if (index < words.length && words[index] === 0) continue
    if (index - start > best.length) best = { start, length: index - start }
    start = index + 1
  }
  return best
}
