// Asks several brokers at once. Who does not answer is named on standard error, the others count all the same.
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'
import type { BrokerAddress } from '../session.ts'

export interface Answers<Value> {
  readonly answers: readonly { readonly broker: BrokerAddress; readonly value: Value }[]
  /** Some did not answer. */
  readonly failed: boolean
}

/** Rejects with the CliFailure of the first broker when none answers. */
export async function askAll<Value>(
  context: Context,
  brokers: readonly BrokerAddress[],
  question: (address: string, broker: BrokerAddress) => Promise<Value>,
): Promise<Answers<Value>> {
  const session = await context.session()
  const results = await Promise.allSettled(
    brokers.map((broker) => session.at(broker, (address) => question(address, broker))),
  )
  const answers: { broker: BrokerAddress; value: Value }[] = []
  const failures: unknown[] = []
  for (const [index, result] of results.entries()) {
    const broker = brokers[index]
    if (result.status === 'fulfilled' && broker !== undefined) answers.push({ broker, value: result.value })
    else if (result.status === 'rejected') failures.push(result.reason)
  }
  const programmerError = failures.find((failure) => !(failure instanceof CliFailure))
  if (programmerError !== undefined) throw programmerError
  if (answers.length === 0 && failures.length > 0) throw failures[0]
  for (const failure of failures) context.printer.warning((failure as CliFailure).message)
  return { answers, failed: failures.length > 0 }
}
