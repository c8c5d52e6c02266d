// What the operating system and the engine say about this process: prom-client's default metrics, under the names that
// dashboards for Node expect. Loaded at the first scrape, so that a start does not pay for it.
import type { Registry } from 'prom-client'

export interface ProcessMetrics {
  /** Prometheus' text format 0.0.4. */
  expose(): Promise<string>
}

/** Memory, processor time, event loop and garbage collection of this process. */
export function createProcessMetrics(): ProcessMetrics {
  let loading: Promise<Registry> | undefined

  async function load(): Promise<Registry> {
    // A bundle gives a CommonJS module its default export only.
    const { collectDefaultMetrics, Registry } = (await import('prom-client')).default
    const register = new Registry()
    collectDefaultMetrics({ register })
    return register
  }

  return {
    async expose() {
      loading ??= load()
      return (await loading).metrics()
    },
  }
}
