// Any bytes in place of a file: what a fuzz test writes over it. The same seed gives the same bytes.
import type { Prng } from '../sim/prng.ts'

const PAGE_BYTES = 4096
const BYTES_MAX = 64 * 1024
/** Numbers at the edges of what lengths and positions can be. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x7fff_ffff_ffff_ffffn,
  0xffff_ffff_ffff_ffffn,
]

type Mutation = (bytes: Buffer, random: Prng) => Buffer

function place(bytes: Buffer, random: Prng): number {
  return bytes.length === 0 ? 0 : random.integer(bytes.length)
}

const MUTATIONS: readonly Mutation[] = [
  function flips(bytes, random) {
    const changed = Buffer.from(bytes)
    for (let count = 1 + random.integer(8); count > 0 && changed.length > 0; count -= 1) {
      changed[place(changed, random)]! ^= 1 << random.integer(8)
    }
    return changed
  },
  function edge(bytes, random) {
    if (bytes.length < 8) return bytes
    const changed = Buffer.from(bytes)
    const at = random.integer(Math.min(bytes.length, 256) - 7)
    if (random.chance(0.5)) changed.writeBigUInt64BE(random.pick(EDGES), at)
    else changed.writeUInt32BE(Number(random.pick(EDGES) & 0xffff_ffffn), at)
    return changed
  },
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
  (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + random.integer(PAGE_BYTES))]),
  (bytes, random) => Buffer.concat([bytes, random.bytes(1 + random.integer(PAGE_BYTES))]),
  (_bytes, random) => Buffer.from(random.bytes(random.integer(BYTES_MAX))),
  (bytes, random) => Buffer.from(random.bytes(bytes.length)),
  () => Buffer.alloc(0),
  (bytes) => Buffer.alloc(bytes.length),
  function zeroedPage(bytes, random) {
    const at = place(bytes, random)
    return Buffer.from(bytes).fill(
      0,
      at - (at % PAGE_BYTES),
      Math.min(bytes.length, at - (at % PAGE_BYTES) + PAGE_BYTES),
    )
  },
  function shifted(bytes, random) {
    const at = place(bytes, random)
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.integer(16)), bytes.subarray(at)])
  },
  function repeated(bytes, random) {
    const at = place(bytes, random)
    return Buffer.concat([bytes.subarray(0, at), bytes])
  },
]

/** Other bytes in place of these, by chance. */
export function mutateBytes(bytes: Buffer, random: Prng): Buffer {
  return random.pick(MUTATIONS)(bytes, random)
}
