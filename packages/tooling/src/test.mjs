// `npm test [patterns and options of jest]`: format, lint, types, layers, then jest. Ends with `N passed, N failed`.
import { bootstrap } from './bootstrap.mjs'

try {
  if (await bootstrap(import.meta.url)) {
    const { runChecks } = await import('./run-checks.ts')
    process.exitCode = await runChecks(process.argv.slice(2))
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
