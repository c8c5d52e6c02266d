// The entry of the bundle: `npm start` imports it.
import { runStandalone } from './node/run.ts'

const { argv, env } = process
const code = await runStandalone({ argv: argv.slice(2), env, tell: (text) => console.error(text) })
process.exit(code)
