import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { nodeClock } from '@rocketmq-ts/runtime/node'
import { loadTls, verifyTls } from '../../src/node/tls.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'proxy-tls-'))
})
afterEach(() => rm(folder, { recursive: true }))

function config(changes: Partial<Parameters<typeof loadTls>[0]>) {
  return { tlsMode: 'permissive' as const, tlsCertPath: '', tlsKeyPath: '', tlsSelfSignedFolder: folder, ...changes }
}

test('tls: no certificate is configured → one is made, kept and taken again', async () => {
  const first = await loadTls(config({}), nodeClock)
  expect(first).toMatchObject({ mode: 'permissive', certificate: expect.stringContaining('BEGIN CERTIFICATE') })
  expect(await readdir(folder)).toHaveLength(1)
  expect(await loadTls(config({ tlsMode: 'enforcing' }), nodeClock)).toEqual({ ...first, mode: 'enforcing' })
})

test('tls: disabled → nothing is read or made', async () => {
  expect(await loadTls(config({ tlsMode: 'disabled', tlsCertPath: '/missing' }), nodeClock)).toEqual({
    mode: 'disabled',
  })
  expect(await readdir(folder)).toHaveLength(0)
})

test('tls: certificate and key are configured → read from their files', async () => {
  const tlsCertPath = join(folder, 'cert.pem')
  const tlsKeyPath = join(folder, 'key.pem')
  await writeFile(tlsCertPath, 'the certificate')
  await writeFile(tlsKeyPath, 'the key')
  expect(await loadTls(config({ tlsCertPath, tlsKeyPath }), nodeClock)).toEqual({
    mode: 'permissive',
    certificate: 'the certificate',
    key: 'the key',
  })
})

test.each([
  [{ tlsKeyPath: '/missing' }, 'tlsCertPath'],
  [{ tlsCertPath: '/missing', tlsKeyPath: '/missing' }, 'tlsCertPath'],
])('tls: %j → refused, naming the setting', async (changes, names) => {
  await expect(loadTls(config(changes), nodeClock)).rejects.toMatchObject({
    code: 'parameter-invalid',
    message: expect.stringContaining(names),
  })
})

test('tls: a certificate is named that can not be read, or is none → faults; nothing is made', async () => {
  const file = join(folder, 'cert.pem')
  await writeFile(file, 'no certificate')
  const [missing] = await verifyTls(config({ tlsCertPath: '/nowhere.pem', tlsKeyPath: file }))
  expect(missing?.reason).toContain('tlsCertPath: ENOENT')
  const [none] = await verifyTls(config({ tlsCertPath: file, tlsKeyPath: file }))
  expect(none?.reason).toContain('the TLS certificate and key do not work together')
  expect(await verifyTls(config({}))).toEqual([])
  expect(await readdir(folder)).toEqual(['cert.pem'])
})
