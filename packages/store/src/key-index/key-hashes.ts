// Hashes of the keys of a message, straight from the bytes of its properties: the unique key first, then each token of
// KEYS, then the tag as Apache's broker has it since 5.4. The text of a key is `topic#key`, of a tag `topic#T#tag`.
// Nothing is decoded unless it is not ASCII. Java: IndexService.buildIndex.
import { decodeProperties, PropertyName } from '@rocketmq-ts/model'
import { indexHash } from './layout.ts'

/** What an index reads of a record. */
export interface IndexedRecord {
  readonly topic: string
  readonly sysFlag: number
  readonly properties: Uint8Array
}

const NAME_END = 0x01
const VALUE_END = 0x02
const SPACE = 0x20
const ASCII_MAX = 0x7f
const UNIQ_KEY = Buffer.from(PropertyName.UNIQ_KEY)
const KEYS = Buffer.from(PropertyName.KEYS)
/** Java: MessageConst.KEY_SEPARATOR. */
const KEY_SEPARATOR = ' '
const TOPIC_END = '#'
const TAGS = Buffer.from(PropertyName.TAGS)
/** Java: MessageConst.INDEX_TAG_TYPE. */
const TAG_MARK = 'T#'

/** What a message is looked up by. A unique key counts as a key. */
export type KeyKind = 'key' | 'tag'

/** Goes on with Java's String.hashCode. */
function hashText(hash: number, text: string): number {
  let next = hash
  for (let index = 0; index < text.length; index += 1) next = (Math.imul(next, 31) + text.charCodeAt(index)) | 0
  return next
}

function hashBytes(hash: number, bytes: Uint8Array, from: number, to: number): number {
  let next = hash
  for (let index = from; index < to; index += 1) {
    const byte = bytes[index]!
    if (byte > ASCII_MAX) return hashText(hash, Buffer.from(bytes.subarray(from, to)).toString())
    next = (Math.imul(next, 31) + byte) | 0
  }
  return next
}

function hasName(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index += 1) if (bytes[at + index] !== name[index]) return false
  return bytes[at + name.length] === NAME_END
}

/** The hash that an index keeps of a key or tag. */
export function keyHash(topic: string, key: string, kind: KeyKind = 'key'): number {
  return indexHash(hashText(0, topic + TOPIC_END + (kind === 'tag' ? TAG_MARK : '') + key))
}

/** True for the unique key of a message and for each token of its KEYS; for its tag alone where that is asked for. */
export function hasKey(propertiesText: string, key: string, kind: KeyKind = 'key'): boolean {
  const properties = decodeProperties(propertiesText)
  if (key === '') return false
  if (kind === 'tag') return properties.get(PropertyName.TAGS) === key
  if (properties.get(PropertyName.UNIQ_KEY) === key) return true
  return properties.get(PropertyName.KEYS)?.split(KEY_SEPARATOR).includes(key) === true
}

/** Filled by `read`, and used again for the next message. */
export class KeyHashes {
  hashes: Int32Array = new Int32Array(16)
  count = 0
  #topic = ''
  #topicHash = hashText(0, TOPIC_END)

  /** Takes the keys of a message; returns how many there are. Of a property that is there twice the last one counts. */
  read(topic: string, properties: Uint8Array): number {
    this.count = 0
    const { length } = properties
    let uniqueFrom = -1
    let uniqueTo = 0
    let keysFrom = -1
    let keysTo = 0
    let tagFrom = -1
    let tagTo = 0
    for (let start = 0; start < length;) {
      let end = start
      while (end < length && properties[end] !== VALUE_END) end += 1
      if (properties[start] === UNIQ_KEY[0] && end > start + 9 && hasName(properties, start, UNIQ_KEY)) {
        uniqueFrom = start + 9
        uniqueTo = end
      } else if (properties[start] === KEYS[0] && end > start + 5 && hasName(properties, start, KEYS)) {
        keysFrom = start + 5
        keysTo = end
      } else if (properties[start] === TAGS[0] && end > start + 5 && hasName(properties, start, TAGS)) {
        tagFrom = start + 5
        tagTo = end
      }
      start = end + 1
    }
    if (topic !== this.#topic) {
      this.#topic = topic
      this.#topicHash = hashText(hashText(0, topic), TOPIC_END)
    }
    if (uniqueFrom >= 0) this.#add(this.#topicHash, properties, uniqueFrom, uniqueTo)
    if (keysFrom >= 0) this.#addTokens(properties, keysFrom, keysTo)
    if (tagFrom >= 0) this.#add(hashText(this.#topicHash, TAG_MARK), properties, tagFrom, tagTo)
    return this.count
  }

  #addTokens(bytes: Uint8Array, from: number, to: number): void {
    let start = from
    while (start < to) {
      let end = start
      while (end < to && bytes[end] !== SPACE) end += 1
      if (end > start) this.#add(this.#topicHash, bytes, start, end)
      start = end + 1
    }
  }

  #add(prefixHash: number, bytes: Uint8Array, from: number, to: number): void {
    if (this.count === this.hashes.length) {
      const larger = new Int32Array(2 * this.hashes.length)
      larger.set(this.hashes)
      this.hashes = larger
    }
    this.hashes[this.count] = indexHash(hashBytes(prefixHash, bytes, from, to))
    this.count += 1
  }
}
