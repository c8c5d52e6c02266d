// `configure` for a process of its own: its arguments, its environment, its output, its end.
import process from 'node:process'
import type { ConfigWarningEvent } from '../fault.ts'
import { type MemoryPlan, type MemoryPlanEvent, planEvent } from '../memory-budget.ts'
import { configure, type ConfigureOptions } from './configure.ts'

export type StartEvent = ConfigWarningEvent | MemoryPlanEvent

export interface ProcessConfig<C> {
  /** With the budget in bytes, also where the setting says auto. */
  readonly config: Readonly<C>
  readonly memory: MemoryPlan
  /** What the log is to say first: warnings, and the bounds that hold. */
  readonly startEvents: readonly StartEvent[]
}

type ProcessOptions<C> = Omit<ConfigureOptions<C>, 'argv' | 'env' | 'print' | 'tell' | 'isTerminal'>

/** Gives the configuration, or ends the process: 0 when it did what was asked for instead, 2 for faults. */
export async function configureProcess<C extends { readonly memoryBudget: number }>(
  options: ProcessOptions<C>,
): Promise<ProcessConfig<C>> {
  const configured = await configure({
    ...options,
    argv: process.argv.slice(2),
    env: process.env,
    print: (text) => void process.stdout.write(`${text}\n`),
    tell: (text) => void process.stderr.write(`${text}\n`),
    isTerminal: process.stdout.isTTY,
  })
  if ('exitCode' in configured) process.exit(configured.exitCode)
  const { memory, warnings } = configured
  return {
    config: { ...configured.config, memoryBudget: memory.budgetBytes },
    memory,
    startEvents: [...warnings.map((warning) => ({ event: 'config.warning' as const, warning })), planEvent(memory)],
  }
}
