// The certificate of the gRPC port: the configured one, or one of our own that is made once and kept.
import { readFile } from 'node:fs/promises'
import { loadSelfSigned, type TlsOptions } from '@rocketmq-ts/grpc/node'
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

async function readSetting(name: string, path: string): Promise<string> {
  if (path === '') throw new MqError('parameter-invalid', `${name}: is not set, but its counterpart is; set both`)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new MqError('parameter-invalid', `${name}: ${cause}`, error)
  }
}
