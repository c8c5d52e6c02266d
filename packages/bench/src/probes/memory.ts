// What one core does with bytes: the floor of everything that touches a body.
import { crc32 } from 'node:zlib'

const KIB = 1024
const GIB = 1024 * 1024 * KIB
const BODY = Buffer.alloc(KIB, 0x78)
const LARGE_BYTES = 16 * 1024 * KIB

export interface MemoryProbe {
  readonly crcGiBPerSecond: number
  readonly copyGiBPerSecond: number
  /** Of a body of 1 KiB. */
  readonly crcNs: number
  readonly copyNs: number
}

export function probeMemory(ms: number): MemoryProbe {
  const large = Buffer.alloc(LARGE_BYTES, 0x79)
  const target = Buffer.alloc(LARGE_BYTES)
  const perSecond = (calls: number) => (calls * LARGE_BYTES) / GIB
  return {
    crcGiBPerSecond: perSecond(ratePerSecond(ms, () => crc32(large))),
    copyGiBPerSecond: perSecond(ratePerSecond(ms, () => large.copy(target))),
    crcNs: 1e9 / ratePerSecond(ms, () => crc32(BODY)),
    copyNs: 1e9 / ratePerSecond(ms, () => BODY.copy(target)),
  }
}

/** How often per second the step runs. */
function ratePerSecond(ms: number, step: () => void): number {
  const startMs = performance.now()
  let calls = 0
  let stride = 1
  let nowMs = startMs
  while (nowMs - startMs < ms) {
    for (let left = stride; left > 0; left -= 1) step()
    calls += stride
    // Looking at the clock must not be what is measured.
    if (nowMs - startMs < ms / 100) stride *= 2
    nowMs = performance.now()
  }
  return (calls * 1000) / (nowMs - startMs)
}
