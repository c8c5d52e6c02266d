// The entry of the bundle: `npm start` imports it.
import { runStandalone } from './node/run.ts'

const { argv, env } = process
const tell = (text: string) => console.error(text)
const print = (text: string) => console.log(text)
const code = await runStandalone({ argv: argv.slice(2), env, tell, print, isTerminal: process.stdout.isTTY })
process.exit(code)
