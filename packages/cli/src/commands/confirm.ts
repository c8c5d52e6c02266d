// Asks before something goes for good, or changes for many.
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'

export interface ConfirmOptions {
  /** Nobody is asked. */
  readonly yes?: boolean
}

/** False when the person says no. Throws CliFailure 'usage' where there is nobody to ask. */
export async function confirmed(context: Context, options: ConfirmOptions, question: string): Promise<boolean> {
  if (options.yes === true) return true
  const { input, err } = context.host
  if (!input.isTTY || !err.isTTY) {
    throw new CliFailure('usage', `${question} Nobody can be asked: this is no terminal.`, 'Add --yes.')
  }
  const answer = await input.ask(`${question} [y/N] `)
  if (/^y(es)?$/i.test(answer.trim())) return true
  context.printer.remark('Nothing was changed.')
  return false
}
