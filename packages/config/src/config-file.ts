// A configuration file in one of Apache's two forms: .properties (broker.conf, namesrv.properties) or JSON
// (rmq-proxy.json). Every service takes both.
import type { ConfigFault } from './fault.ts'
import { readJsonText } from './json-text.ts'
import { type FileEntry, readPropertiesText } from './properties-text.ts'

/** A longer file is no configuration. */
export const CONFIG_FILE_BYTES_MAX = 1024 * 1024

/** A file as names and texts. */
export interface ConfigFile {
  /** As faults call it: the last part of its path. */
  readonly name: string
  readonly entries: readonly FileEntry[]
  readonly faults: readonly ConfigFault[]
}

const BYTE_ORDER_MARK = '\ufeff'

/**
 * Reads the content of a file. JSON when it is called so or begins with `{`, otherwise properties. What is not UTF-8, or
 * longer than CONFIG_FILE_BYTES_MAX, is a fault and gives no entries.
 */
export function readConfigFile(path: string, content: Uint8Array): ConfigFile {
  const name = path.split(/[/\\]/).at(-1) ?? path
  const refuse = (reason: string, remedy: string): ConfigFile => ({
    name,
    entries: [],
    faults: [{ kind: 'file', at: 0, source: name, reason, remedy }],
  })
  if (content.length > CONFIG_FILE_BYTES_MAX) {
    return refuse(`is longer than ${CONFIG_FILE_BYTES_MAX} bytes`, 'name a configuration file')
  }
  const text = decodeUtf8(content)
  if (text === undefined) return refuse('is not UTF-8 text', 'save it as UTF-8')
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  const { entries, faults } = isJson(name, plain) ? readJsonText(plain) : readPropertiesText(plain)
  return {
    name,
    entries,
    faults: faults.map(({ line, reason }) => ({ kind: 'file', at: line, source: `${name}:${line}`, reason })),
  }
}

function isJson(name: string, text: string): boolean {
  return name.toLowerCase().endsWith('.json') || text.trimStart().startsWith('{')
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
