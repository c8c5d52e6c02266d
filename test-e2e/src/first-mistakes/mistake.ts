// A wrong first step, where its person looks, and what must be read there: why it went wrong and what helps.
import type { Checks } from '../checks.ts'
import { expectThat, runCheck } from '../steps.ts'

export interface Mistake {
  /** The mistake, and whoever makes it. */
  readonly name: string
  /** Makes it, and gives what a person reads: the error of the SDK, what a command prints, the log of a service. */
  read(): Promise<string>
  readonly cause: string | RegExp
  readonly remedy: string | RegExp
}

const SHOWN_CHARS = 240

/** Makes one mistake after the other, and shows what was read. */
export async function checkMistakes(checks: Checks, mistakes: readonly Mistake[]): Promise<void> {
  for (const { name, read, cause, remedy } of mistakes) {
    await runCheck(checks, name, async () => {
      const text = await read()
      for (const [what, wanted] of [
        ['cause', cause],
        ['remedy', remedy],
      ] as const) {
        expectThat(has(text, wanted), `the ${what}, ${wanted}, is not in what a person reads:\n${text}`)
      }
      return sentenceWith(text, cause)
    })
  }
}

function has(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)
}

/** The line that tells the cause, for the report. */
function sentenceWith(text: string, cause: string | RegExp): string {
  const line = text.split('\n').find((each) => has(each, cause)) ?? text
  const from = Math.max(0, line.search(typeof cause === 'string' ? literal(cause) : cause) - SHOWN_CHARS / 4)
  return line.slice(from, from + SHOWN_CHARS).trim()
}

function literal(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
}
