// Writes one self-signed X.509 certificate (RFC 5280) in DER: P-256, for the loopback names. The few fields it needs
// are spelled out here; a certificate library would bring a dozen packages for a file made once. It writes only:
// signing, parsing and checking are OpenSSL's, through node:crypto.
import { createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import type { TlsIdentity } from './tls-acceptor.ts'

const DAY_MS = 24 * 3600 * 1000
/** Clients whose clock is behind accept it too. */
const BACKDATED_MS = DAY_MS
export const VALID_MS = 397 * DAY_MS
const SERIAL_BYTES = 16

const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OBJECT_IDENTIFIER: 0x06,
  UTF8_STRING: 0x0c,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
  EXPLICIT_0: 0xa0,
  EXPLICIT_3: 0xa3,
  DNS_NAME: 0x82,
  IP_ADDRESS: 0x87,
} as const

/** Object identifiers as their DER content. */
const Oid = {
  ECDSA_WITH_SHA256: '2a8648ce3d040302',
  COMMON_NAME: '550403',
  BASIC_CONSTRAINTS: '551d13',
  KEY_USAGE: '551d0f',
  EXTENDED_KEY_USAGE: '551d25',
  SUBJECT_ALTERNATIVE_NAME: '551d11',
  SERVER_AUTH: '2b06010505070301',
} as const

const DER_TRUE = Buffer.from([0xff])
/** Bit 0, digitalSignature, with 7 unused bits. */
const DIGITAL_SIGNATURE = Buffer.from([7, 0x80])

/** Makes a new key and a certificate for localhost, 127.0.0.1 and ::1 that is valid for VALID_MS. */
export function createSelfSigned(nowMs: number): TlsIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const algorithm = sequence(oid(Oid.ECDSA_WITH_SHA256))
  const name = sequence(
    der(Tag.SET, sequence(oid(Oid.COMMON_NAME), der(Tag.UTF8_STRING, Buffer.from('rocketmq-ts self-signed')))),
  )
  const toBeSigned = sequence(
    der(Tag.EXPLICIT_0, der(Tag.INTEGER, Buffer.from([2]))),
    der(Tag.INTEGER, serialNumber()),
    algorithm,
    name,
    sequence(time(nowMs - BACKDATED_MS), time(nowMs + VALID_MS)),
    name,
    publicKey,
    der(Tag.EXPLICIT_3, extensions()),
  )
  const signature = sign('sha256', toBeSigned, createPrivateKey(privateKey))
  const bits = der(Tag.BIT_STRING, Buffer.from([0]), signature)
  const certificate = new X509Certificate(sequence(toBeSigned, algorithm, bits)).toString()
  return { certificate, key: privateKey }
}

/** A server's certificate and no authority: some clients refuse an authority where they expect a server. */
function extensions(): Buffer {
  return sequence(
    sequence(oid(Oid.BASIC_CONSTRAINTS), der(Tag.BOOLEAN, DER_TRUE), der(Tag.OCTET_STRING, sequence())),
    sequence(
      oid(Oid.KEY_USAGE),
      der(Tag.BOOLEAN, DER_TRUE),
      der(Tag.OCTET_STRING, der(Tag.BIT_STRING, DIGITAL_SIGNATURE)),
    ),
    sequence(oid(Oid.EXTENDED_KEY_USAGE), der(Tag.OCTET_STRING, sequence(oid(Oid.SERVER_AUTH)))),
    sequence(
      oid(Oid.SUBJECT_ALTERNATIVE_NAME),
      der(
        Tag.OCTET_STRING,
        sequence(
          der(Tag.DNS_NAME, Buffer.from('localhost')),
          der(Tag.IP_ADDRESS, Buffer.from([127, 0, 0, 1])),
          der(Tag.IP_ADDRESS, Buffer.from([...Array.from({ length: 15 }, () => 0), 1])),
        ),
      ),
    ),
  )
}

/** Positive, without a leading zero byte to shorten. */
function serialNumber(): Buffer {
  const serial = randomBytes(SERIAL_BYTES)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial
}

/** RFC 5280, 4.1.2.5: two digits for the year until 2049. */
function time(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/\.\d+/, '').replaceAll(/[-:T]/g, '')
  return digits < '2050'
    ? der(Tag.UTC_TIME, Buffer.from(digits.slice(2)))
    : der(Tag.GENERALIZED_TIME, Buffer.from(digits))
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(Tag.SEQUENCE, ...parts)
}

function oid(content: string): Buffer {
  return der(Tag.OBJECT_IDENTIFIER, Buffer.from(content, 'hex'))
}

/** Tag, length (short form, or long form with as few bytes as needed), contents. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const contents = Buffer.concat(parts)
  const { length } = contents
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), contents])
  const lengthBytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | lengthBytes.length]), lengthBytes, contents])
}
