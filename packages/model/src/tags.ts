// Tags as the consume queue knows them: a 32-bit hash. Twins ('Aa' and 'BB') are told apart by their text later.

/** Java's String.hashCode: UTF-16 code units, wrapped to a signed 32-bit integer. */
export function javaStringHash(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}

/** What a consume queue unit holds for a tag; 0 without one. Java: MessageExtBrokerInner.tagsString2tagsCode. */
export function tagsCodeOf(tag: string | undefined): number {
  return tag === undefined ? 0 : javaStringHash(tag)
}
