// Which queue the messages of a group go to. Whoever sends for a client decides, not the client: those of different languages
// do not agree. Java: SendMessageActivity, Guava's Hashing.consistentHash.

const MULTIPLIER = 2_862_933_555_777_941_757n
const TWO_TO_31 = 2 ** 31

/** Java: String.hashCode, as a signed 32-bit number. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}

/** One of `buckets` (at least 1). With another number of them, as few groups as possible move. */
export function queueIndexOf(messageGroup: string, buckets: number): number {
  let state = BigInt.asUintN(64, BigInt(javaHashCode(messageGroup)))
  let candidate = 0
  for (;;) {
    state = BigInt.asUintN(64, state * MULTIPLIER + 1n)
    const fraction = (Number(state >> 33n) + 1) / TWO_TO_31
    const next = Math.floor((candidate + 1) / fraction)
    if (next >= buckets) return candidate
    candidate = next
  }
}
