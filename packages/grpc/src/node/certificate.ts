// Makes one self-signed X.509 certificate (RFC 5280): P-256, for the loopback names. Loaded only when there is none yet.
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { TlsIdentity } from './tls-acceptor.ts'

const DAY_MS = 24 * 3600 * 1000
/** Clients whose clock is behind accept it too. */
const BACKDATED_MS = DAY_MS
export const VALID_MS = 397 * DAY_MS
const SERIAL_BYTES = 16
const NAME_DIGITS = 8
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' }
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' }

/** Positive, without a leading zero byte to shorten. */
function serialNumber(): string {
  const serial = randomBytes(SERIAL_BYTES)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial.toString('hex')
}

/**
 * Makes a new key and a certificate for localhost, 127.0.0.1 and ::1 that is valid for VALID_MS. A server's
 * certificate and no authority: some clients refuse an authority where they expect a server.
 */
export async function createSelfSigned(nowMs: number): Promise<TlsIdentity> {
  cryptoProvider.set(webcrypto)
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const serial = serialNumber()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    // Clients look issuers up by name: two certificates of one name in a file of trusted ones would hide each other.
    name: `CN=rocketmq-ts self-signed ${serial.slice(0, NAME_DIGITS)}`,
    notBefore: new Date(nowMs - BACKDATED_MS),
    notAfter: new Date(nowMs + VALID_MS),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
    ],
  })
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { certificate: `${certificate.toString('pem')}\n`, key: `${key}\n` }
}
