// What nameservers made of an operator's request: each keeps routes of its own, so each must hear of it.
import type { NameServerResult } from '@rocketmq-ts/cluster-client'
import type { Context } from '../context.ts'

/** Names those that did not do it on standard error. True when all did. */
export function toldAll(context: Context, results: readonly NameServerResult<unknown>[], what: string): boolean {
  let isTold = true
  for (const result of results) {
    if (result.kind === 'done') continue
    isTold = false
    context.printer.warning(`nameserver ${result.address} ${what}: ${result.error.message}`)
  }
  return isTold
}
