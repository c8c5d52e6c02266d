// The certificate of the gRPC port: the configured one, or one of our own that is made once and kept.
import { readFile } from 'node:fs/promises'
import type { ConfigFault } from '@rocketmq-ts/config'
import { checkIdentity, loadSelfSigned, type TlsOptions } from '@rocketmq-ts/grpc/node'
import { MqError } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { ProxyConfig } from '../config.ts'

type TlsConfig = Pick<ProxyConfig, 'tlsMode' | 'tlsCertPath' | 'tlsKeyPath' | 'tlsSelfSignedFolder'>

/** Rejects with MqError 'parameter-invalid' naming the setting, 'unavailable' for a folder that can not be used. */
export async function loadTls(config: TlsConfig, clock: Clock): Promise<TlsOptions> {
  const { tlsMode, tlsCertPath, tlsKeyPath, tlsSelfSignedFolder } = config
  if (tlsMode === 'disabled') return { mode: 'disabled' }
  if (tlsCertPath === '' && tlsKeyPath === '') {
    return { mode: tlsMode, ...(await loadSelfSigned(tlsSelfSignedFolder, clock)) }
  }
  const certificate = await readSetting('tlsCertPath', tlsCertPath)
  const key = await readSetting('tlsKeyPath', tlsKeyPath)
  return { mode: tlsMode, certificate, key }
}

/** Faults of the certificate that is named; nothing is made. */
export async function verifyTls(config: TlsConfig): Promise<readonly ConfigFault[]> {
  if (config.tlsMode === 'disabled' || config.tlsCertPath === '') return []
  try {
    const certificate = await readSetting('tlsCertPath', config.tlsCertPath)
    checkIdentity({ certificate, key: await readSetting('tlsKeyPath', config.tlsKeyPath) })
    return []
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    const remedy = 'name a certificate (PEM) and its key'
    return [{ kind: 'all', at: 0, source: 'tlsCertPath, tlsKeyPath', reason: error.message, remedy }]
  }
}

async function readSetting(name: string, path: string): Promise<string> {
  if (path === '') throw new MqError('parameter-invalid', `${name}: is not set, but its counterpart is; set both`)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new MqError('parameter-invalid', `${name}: ${cause}`, error)
  }
}
