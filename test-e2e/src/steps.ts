// Checks that do something: what they throw is the reason why they failed, what they return is shown beside their name.
import type { Checks } from './checks.ts'

/** A check that takes longer has failed; some install dependencies from registries. */
const STEP_MS_MAX = 300_000

/** Runs one check and counts it; true when it passed. */
export async function runCheck(
  checks: Checks,
  name: string,
  work: () => string | void | Promise<string | void>,
  deadlineMs = STEP_MS_MAX,
): Promise<boolean> {
  try {
    const detail = await withDeadline(deadlineMs, async () => await work())
    checks.check(typeof detail === 'string' ? `${name} (${detail})` : name, true)
    return true
  } catch (error) {
    checks.check(name, false, error instanceof Error ? error.message : String(error))
    return false
  }
}

/** Fails a check with a sentence. */
export function expectThat(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}

/** Rejects when the work is not done in time; the work itself is not stopped. */
export async function withDeadline<T>(deadlineMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}
