import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { loadSelfSigned, SELF_SIGNED_FILE } from '@rocketmq-ts/grpc/node'

const DAY_MS = 24 * 3600 * 1000
const START_MS = Date.UTC(2031, 4, 5)
const clockAt = (nowMs: number) => ({ nowMs: () => nowMs, monotonicMs: () => 0 })

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'self-signed-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('self-signed: first start → a P-256 server certificate for the loopback names, valid from yesterday', async () => {
  const identity = await loadSelfSigned(folder, clockAt(START_MS))
  const certificate = new X509Certificate(identity.certificate)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
  expect(certificate.ca).toBe(false)
  expect(certificate.checkHost('localhost')).toBe('localhost')
  expect([certificate.checkIP('127.0.0.1'), certificate.checkIP('::1')]).toStrictEqual(['127.0.0.1', '::1'])
  expect(certificate.validFromDate.getTime()).toBe(START_MS - DAY_MS)
  expect(certificate.validToDate.getTime()).toBe(START_MS + 397 * DAY_MS)
})

test('self-signed: two servers → names of their own, so that a client can trust both in one file', async () => {
  const subjects = await Promise.all(
    ['proxy-1', 'proxy-2'].map(async (name) => {
      const { certificate } = await loadSelfSigned(join(folder, name), clockAt(START_MS))
      return new X509Certificate(certificate).subject
    }),
  )
  expect(new Set(subjects).size).toBe(2)
})

test('self-signed: from 2050 on → the dates are still right', async () => {
  const startMs = Date.UTC(2050, 5, 1)
  const { certificate } = await loadSelfSigned(folder, clockAt(startMs))
  expect(new X509Certificate(certificate).validFromDate.getTime()).toBe(startMs - DAY_MS)
})

test('self-signed: second start → the same certificate, in a file that only its owner reads', async () => {
  const first = await loadSelfSigned(folder, clockAt(START_MS))
  const again = await loadSelfSigned(folder, clockAt(START_MS + 300 * DAY_MS))
  expect(again).toStrictEqual(first)
  expect((await stat(join(folder, SELF_SIGNED_FILE))).mode & 0o777).toBe(0o600)
})

test('self-signed: a folder that does not exist yet → is made', async () => {
  await loadSelfSigned(join(folder, 'proxy', 'data'), clockAt(START_MS))
  expect((await stat(join(folder, 'proxy', 'data', SELF_SIGNED_FILE))).isFile()).toBe(true)
})

test('self-signed: several first starts in one folder at once → all succeed, and nothing but the file is left', async () => {
  await Promise.all(Array.from({ length: 8 }, () => loadSelfSigned(folder, clockAt(START_MS))))
  expect(await readdir(folder)).toStrictEqual([SELF_SIGNED_FILE])
})

test.each([
  ['less than 30 days before its end', 368 * DAY_MS],
  ['before it begins', -2 * DAY_MS],
])('self-signed: started %s → made anew', async (_when, laterMs) => {
  const first = await loadSelfSigned(folder, clockAt(START_MS))
  const second = await loadSelfSigned(folder, clockAt(START_MS + laterMs))
  expect(second.certificate).not.toBe(first.certificate)
})

test.each([
  ['empty', () => ''],
  ['cut', (whole: string) => whole.slice(0, 200)],
  ['garbled', (whole: string) => whole.replaceAll(/[A-M]/g, 'x')],
])('self-signed: an %s file → made anew, and kept', async (_damage, damage) => {
  await loadSelfSigned(folder, clockAt(START_MS))
  const path = join(folder, SELF_SIGNED_FILE)
  await writeFile(path, damage(await readFile(path, 'utf8')))
  const made = await loadSelfSigned(folder, clockAt(START_MS))
  expect(await loadSelfSigned(folder, clockAt(START_MS))).toStrictEqual(made)
})

test('self-signed: the folder is a file → an error that names the path and the remedy', async () => {
  const path = join(folder, 'file')
  await writeFile(path, '')
  await expect(loadSelfSigned(path, clockAt(START_MS))).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/cannot keep a TLS certificate in .*file.*configure one/),
  })
})
