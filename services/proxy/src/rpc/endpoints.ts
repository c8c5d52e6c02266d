// Which address a client is told: the one it used itself, unless the operator says otherwise. So routes work behind
// port maps and balancers, and every broker shares the client's one channel.
import { AddressScheme, Code, type Endpoints, type EndpointsInit } from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import { refusal, type Refusal } from '../status.ts'

const ADDRESSES_MAX = 64
const HOST_CHARS_MAX = 255

/** Endpoints in an answer for a client that reached us at `asked`. Java: RouteActivity.convertToAddressList. */
export function checkEndpoints(asked: Endpoints | null): Refusal | undefined {
  if (asked === null || asked.addresses.length === 0) {
    return refusal(Code.ILLEGAL_ACCESS_POINT, 'endpoints: is missing; give the address that this proxy was reached at')
  }
  if (asked.scheme === AddressScheme.ADDRESS_SCHEME_UNSPECIFIED) {
    return refusal(Code.ILLEGAL_ACCESS_POINT, 'endpoints.scheme: is not set')
  }
  if (asked.addresses.length > ADDRESSES_MAX) {
    return refusal(Code.ILLEGAL_ACCESS_POINT, `endpoints.addresses: more than ${ADDRESSES_MAX}`)
  }
  if (asked.addresses.some(({ host }) => host.length > HOST_CHARS_MAX)) {
    return refusal(Code.ILLEGAL_ACCESS_POINT, `endpoints.addresses: a host has more than ${HOST_CHARS_MAX} characters`)
  }
  return undefined
}

/** Reads 'host:port;host:port'; '' gives undefined. Throws MqError 'parameter-invalid'. */
export function parseEndpoints(text: string): EndpointsInit | undefined {
  if (text === '') return undefined
  const addresses = text.split(';').map((part) => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(part.trim())
    const host = match?.[1] ?? match?.[2]
    const port = Number(match?.[3])
    if (host === undefined || !(port >= 1 && port <= 65_535)) {
      throw new MqError('parameter-invalid', `advertisedEndpoints: '${part}' is not host:port`)
    }
    return { host, port }
  })
  const schemes = new Set(addresses.map(({ host }) => schemeOf(host)))
  const [scheme] = schemes
  if (schemes.size !== 1 || (scheme === AddressScheme.DOMAIN_NAME && addresses.length > 1)) {
    throw new MqError(
      'parameter-invalid',
      'advertisedEndpoints: several addresses must all be IPv4 or all be IPv6; clients take only one domain name',
    )
  }
  return { scheme, addresses }
}

function schemeOf(host: string): AddressScheme {
  if (host.includes(':')) return AddressScheme.IPv6
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) ? AddressScheme.IPv4 : AddressScheme.DOMAIN_NAME
}
