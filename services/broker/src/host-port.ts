// Addresses in records: an IP address and a port. Names that are no IP address have no place there.
export interface HostPort {
  readonly host: string
  readonly port: number
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/
const IPV6 = /^[0-9a-fA-F:]{2,39}$/
const LOOPBACK: HostPort = { host: '127.0.0.1', port: 0 }

/** `hostPortOf` for addresses that come again and again: the last one is not parsed again. */
export function createHostPortOf(): (address: string) => HostPort {
  let lastAddress = ''
  let last = LOOPBACK
  return (address) => {
    if (address !== lastAddress) {
      last = hostPortOf(address)
      lastAddress = address
    }
    return last
  }
}

/** 'host:port' or '[v6]:port' as an IP address and a port; 127.0.0.1:0 for what is none (same process, host names). */
export function hostPortOf(address: string): HostPort {
  const colon = address.lastIndexOf(':')
  if (colon < 0) return LOOPBACK
  const host = address
    .slice(0, colon)
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/, '')
  const port = Number(address.slice(colon + 1))
  if (
    (!IPV4.test(host) && !(host.includes(':') && IPV6.test(host))) ||
    !Number.isInteger(port) ||
    port < 0 ||
    port > 65_535
  )
    return LOOPBACK
  return { host, port }
}
