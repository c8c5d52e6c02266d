// The address that routes name when the ports are bound to all addresses: nobody can connect to 0.0.0.0.
import { networkInterfaces } from 'node:os'

const ALL_ADDRESSES = ['0.0.0.0', '::']
const LOOPBACK = '127.0.0.1'

/** Undefined where the bound address itself can be named; else this machine's first address that others can reach. */
export function advertisedHostFor(host: string): string | undefined {
  if (!ALL_ADDRESSES.includes(host)) return undefined
  const addresses = Object.values(networkInterfaces()).flatMap((known) => known ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? LOOPBACK
}
