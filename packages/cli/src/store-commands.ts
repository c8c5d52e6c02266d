// The commands for the folder of a broker that is stopped: they need no cluster.
import type { Command } from 'commander'
import { type Act, examples, group } from './command-tools.ts'

/** Adds `rmq store …`. */
export function storeCommands(program: Command, act: Act): void {
  const store = group(program, 'store', 'The folder of a stopped broker: check.')
  store
    .command('check')
    .description(
      'Read every record and every file that derives from them, and change nothing. The exit code is 0 when all is ' +
        'sound, 1 when there are faults, 2 when it could not be checked.',
    )
    .argument('<folder>', 'the data folder of a broker (storePathRootDir)')
    .addHelpText('after', examples('rmq store check ./data/broker', 'rmq store check /data/store --json | jq .counts'))
    .action(act(async () => (await import('./commands/store-check.ts')).storeCheck))
}
