// Our answer to a question, beside Apache's.
import { parseFilter } from '@rocketmq-ts/filter'
import type { Outcome, Question } from './apache-evaluator.ts'

/** Text behind a whole expression: Apache stops there and says nothing, we refuse it. */
const TRAILING = /at character (\d+), .*: (?:AND, OR or the end is missing|there is no LIKE)/s

/** Undefined where our answer is Apache's, or differs on purpose; else what we say. */
export function difference(question: Question, theirs: Outcome): string | undefined {
  // A condition compared with text: Apache casts the condition, and crashes. We read the text as TRUE or FALSE.
  if (theirs === 'crashes') return undefined
  const ours = ourAnswer(question)
  if (typeof ours === 'boolean') return theirs !== 'refused' && ours === (theirs === 'true') ? undefined : `${ours}`
  if (theirs === 'refused') return undefined
  const trailingAt = TRAILING.exec(ours)?.[1]
  if (trailingAt === undefined) return ours
  const whole = ourAnswer({ ...question, expression: question.expression.slice(0, Number(trailingAt) - 1) })
  return whole === (theirs === 'true') ? undefined : `${whole}, without what trails`
}

function ourAnswer({ expression, properties }: Question): boolean | string {
  try {
    return parseFilter('SQL92', expression).matches((name) => properties[name])
  } catch (error) {
    return (error as Error).message
  }
}
