// How soon a broker that is back delivers again: proxies must notice its return, or its messages wait.
import type { Delivery, History } from './history.ts'

export interface BrokerReturn {
  readonly brokerName: string
  readonly readyMs: number
  /** When it was killed again. */
  goneMs: number
}

/** Milliseconds until the first delivery after each return; without those that were cut short or had nothing to deliver. */
export function waitsAfter(returns: readonly BrokerReturn[], history: History): number[] {
  const deliveries = [...history.places.values()].flatMap((copy) => [...copy.deliveries.values()].flat())
  return returns.flatMap(({ brokerName, readyMs, goneMs }) => {
    const isOfThisLife = ({ copy, answeredMs }: Delivery): boolean =>
      copy.brokerName === brokerName && readyMs <= answeredMs && answeredMs <= goneMs
    const times = deliveries.filter(isOfThisLife).map(({ answeredMs }) => answeredMs)
    return times.length === 0 ? [] : times.reduce((first, ms) => Math.min(first, ms)) - readyMs
  })
}
