// A body of texts by name: runtime figures, settings of a namespace. Java: KVTable.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'

export function encodeKvTable(table: ReadonlyMap<string, string>): Uint8Array {
  return utf8Encode(stringifyJavaJson({ table }))
}

/** MqError 'parameter-invalid' for anything but texts by name. */
export function decodeKvTable(bytes: Uint8Array): Map<string, string> {
  return new JsonFields(parseJavaJson(bytes), 'KVTable').textMap('table')
}
