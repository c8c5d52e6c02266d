// Messages that are not in their topic yet: records of topics of the system hold them until their time has come. What the
// model knows of each, and what a power loss makes of that.
import type { Message, Model } from './model.ts'
import type { Half, Wait } from './wait.ts'

/** A message that waits, as far as is known; a refused one never did. */
export type WaitingMessage = Message & { readonly wait: Wait }

/** A message that waits for a decision. */
export type HalfMessage = Message & { readonly wait: Wait & { readonly half: Half } }

/** All that were sent as halves of a transaction. */
export function halvesIn({ messages }: Model): readonly HalfMessage[] {
  return messages.filter((message): message is HalfMessage => message.wait?.half !== undefined)
}

/** Those that are not in their topic yet, and may come. */
export function waitingIn({ messages }: Model): readonly WaitingMessage[] {
  return messages.filter(
    (message): message is WaitingMessage =>
      message.wait !== undefined && message.position === undefined && !message.isGone && message.outcome !== 'refused',
  )
}

/** Nothing is known that keeps it from its topic: it is to come. */
export function isWanted({ wait }: WaitingMessage): boolean {
  if (wait.over !== undefined || wait.isFuzzy) return false
  return wait.half === undefined || wait.half.commit?.isSure === true
}

/** The broker has it, and will deliver it: nothing else can have happened. */
export function isSurelyPending({ wait, outcome }: WaitingMessage, nowMs: number): boolean {
  return outcome === 'stored' && wait.over === undefined && !wait.isFuzzy && nowMs < wait.dueMs
}

/** After a start: what was answered behind the log's end may be undone. */
export function forgetOvers({ messages }: Model, end: number): void {
  for (const { wait } of messages) {
    if (wait === undefined) continue
    wait.isAsked = false
    const { over, half } = wait
    if (over?.by === 'limit' && over.end >= end) wait.over = undefined
    else if (over !== undefined && over.end > end) over.isSure = false
    if (half?.commit !== undefined && half.commit.end > end) half.commit.isSure = false
  }
}

/** After a life that kept nothing in the end: what was counted then was counted in memory only. */
export function forgetQuestions(model: Model): void {
  for (const { wait } of halvesIn(model)) wait.half.forgotten += 1
}

/** Nobody knows any more what has been delivered, as far as the folder says. */
export function blurWaits({ messages }: Model): void {
  for (const { wait } of messages) if (wait !== undefined) wait.isFuzzy = true
}
