// CPU of this process: user and system time of all its threads, the steadiest figure on a machine that others use too.
import type { CpuPerMessage } from './figures.ts'

/** What `work` used, divided by its messages. */
export async function cpuPerMessage(messages: number, work: () => Promise<void>): Promise<CpuPerMessage> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { userUs: user / messages, systemUs: system / messages, cpuUs: (user + system) / messages }
}
