// Messages that are not in their topic yet: records of topics of the system hold them until their time has come. What the
// model knows of each, and what a power loss makes of that.
import type { Message, Model } from './model.ts'
import type { Wait } from './wait.ts'

/** A message that waits, as far as is known; a refused one never did. */
export type WaitingMessage = Message & { readonly wait: Wait }

/** Those that are not in their topic yet, and may come. */
export function waitingIn({ messages }: Model): readonly WaitingMessage[] {
  return messages.filter(
    (message): message is WaitingMessage =>
      message.wait !== undefined && message.position === undefined && !message.isGone && message.outcome !== 'refused',
  )
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
    if (wait.over !== undefined && wait.over.end > end) wait.over.isSure = false
  }
}

/** Nobody knows any more what has been delivered, as far as the folder says. */
export function blurWaits({ messages }: Model): void {
  for (const { wait } of messages) if (wait !== undefined) wait.isFuzzy = true
}
