// The certificate of a proxy that was given none: made once, kept in the data folder, made anew before it expires.
// Certificate and key are one file, readable by its owner only, so that they can never belong to different pairs.
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MqError } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { TlsIdentity } from './tls-acceptor.ts'

export const SELF_SIGNED_FILE = 'tls-self-signed.pem'
/** A certificate that ends within this time is made anew at start. */
const RENEW_BEFORE_MS = 30 * 24 * 3600 * 1000
const OWNER_ONLY = 0o600

const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n?/g

/** The kept certificate, or a new one. Throws MqError 'unavailable' when the folder can not be read or written. */
export async function loadSelfSigned(folder: string, clock: Clock): Promise<TlsIdentity> {
  const path = join(folder, SELF_SIGNED_FILE)
  try {
    const kept = parse(await readIfThere(path))
    if (kept !== undefined && isUsable(kept, clock.nowMs())) return kept
    // Only the first start in a folder needs the X.509 library.
    const { createSelfSigned } = await import('./certificate.ts')
    const made = await createSelfSigned(clock.nowMs())
    await mkdir(folder, { recursive: true })
    await replaceFile(path, made.certificate + made.key)
    return made
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new MqError('unavailable', `cannot keep a TLS certificate in ${path}: ${cause}; or configure one`, error)
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** By rename, so that a crash leaves the old file or the new one; proxies that share a folder do not meet on the way. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}`
  try {
    await writeFile(temporary, text, { mode: OWNER_ONLY, flush: true })
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

function parse(text: string): TlsIdentity | undefined {
  const blocks = new Map([...text.matchAll(PEM_BLOCK)].map((match) => [match[1], match[0]]))
  const certificate = blocks.get('CERTIFICATE')
  const key = blocks.get('PRIVATE KEY')
  return certificate === undefined || key === undefined ? undefined : { certificate, key }
}

/** A damaged file counts as none: nothing is lost by making a new certificate. */
function isUsable(identity: TlsIdentity, nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(identity.certificate)
    const belongsTogether = certificate.checkPrivateKey(createPrivateKey(identity.key))
    const hasBegun = certificate.validFromDate.getTime() <= nowMs
    return belongsTogether && hasBegun && certificate.validToDate.getTime() - nowMs > RENEW_BEFORE_MS
  } catch {
    return false
  }
}
