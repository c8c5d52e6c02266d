// The grpc-timeout header: digits and a unit. Clients of RocketMQ send years for their telemetry stream, and not all
// of them keep to the 8 digits of the specification.

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}
const GRPC_TIMEOUT = /^(\d+)([HMSmun])$/

/** Milliseconds, maybe fractions of one, at most the largest safe integer; undefined when the text is no timeout. */
export function parseGrpcTimeout(text: string): number | undefined {
  const [, digits, unit] = GRPC_TIMEOUT.exec(text) ?? []
  const msPerUnit = unit === undefined ? undefined : MS_PER_UNIT[unit]
  return msPerUnit === undefined ? undefined : Math.min(Number(digits) * msPerUnit, Number.MAX_SAFE_INTEGER)
}
