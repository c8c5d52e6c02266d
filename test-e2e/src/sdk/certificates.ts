// An authority of one run and a server certificate by it, for clients that check certificates.
import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  cryptoProvider,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const HOUR_MS = 3_600_000
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' }
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' }

/** Paths of PEM files. */
export interface Certificates {
  /** The authority, to be trusted by clients. */
  readonly trusted: string
  /** The server's certificate, for 127.0.0.1, and its key. */
  readonly certificate: string
  readonly key: string
}

/** Makes them in the folder, valid for some hours. */
export async function createCertificates(folder: string): Promise<Certificates> {
  cryptoProvider.set(webcrypto)
  const times = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + 24 * HOUR_MS) }
  const authorityKeys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const serverKeys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const issuer = 'CN=e2e:sdk authority'
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...times,
    serialNumber: '01',
    name: issuer,
    signingAlgorithm: SIGNING_ALGORITHM,
    keys: authorityKeys,
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)],
  })
  const server = await X509CertificateGenerator.create({
    ...times,
    serialNumber: '02',
    subject: 'CN=e2e:sdk proxy',
    issuer,
    signingAlgorithm: SIGNING_ALGORITHM,
    publicKey: serverKeys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
    ],
  })
  const keyBytes = await webcrypto.subtle.exportKey('pkcs8', serverKeys.privateKey)
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const pemOf = (certificate: X509Certificate) => `${certificate.toString('pem')}\n`
  return {
    trusted: write('authority.pem', pemOf(authority)),
    certificate: write('proxy.pem', pemOf(server)),
    key: write('proxy-key.pem', `${PemConverter.encode(keyBytes, 'PRIVATE KEY')}\n`),
  }
}
