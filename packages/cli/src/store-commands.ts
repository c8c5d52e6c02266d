// The commands for the folder of a broker that is stopped: they need no cluster, but for sending messages into one.
import { type Command, Option } from 'commander'
import { type Act, examples, group } from './command-tools.ts'
import { number, word } from './values.ts'

const POSITION_MAX = Number.MAX_SAFE_INTEGER
const QUEUE_MAX = 65_535
const FORMATS = ['jsonl', 'compact'] as const

/** Adds `rmq store …`. */
export function storeCommands(program: Command, act: Act): void {
  const store = group(program, 'store', 'The folder of a stopped broker: check, dump, export, import, repair.')
  store
    .command('check')
    .description(
      'Read every record and every file that derives from them, and change nothing. The exit code is 0 when all is ' +
        'sound, 1 when there are faults, 2 when it could not be checked.',
    )
    .argument('<folder>', 'the data folder of a broker (storePathRootDir)')
    .addHelpText('after', examples('rmq store check ./data/broker', 'rmq store check /data/store --json | jq .counts'))
    .action(act(async () => (await import('./commands/store-check.ts')).storeCheck))
  store
    .command('dump')
    .description('Print the records of the log in its order, those of the broker itself included.')
    .argument('<folder>', 'the data folder of a broker')
    .option('--topic <topic>', 'only of this topic')
    .option('--queue <number>', 'only of this queue', number(0, QUEUE_MAX))
    .option('--offset <number>', 'from this queue offset on', number(0, POSITION_MAX))
    .option('--position <number>', 'from the record at this position of the log on', number(0, POSITION_MAX))
    .option('--max <number>', 'at most so many', number(1, POSITION_MAX))
    .option('--base64', 'bodies as base64 also where they are text')
    .addHelpText(
      'after',
      examples(
        'rmq store dump ./data/broker --max 10',
        'rmq store dump ./data/broker --topic orders --queue 0 --offset 1000 --json',
      ),
    )
    .action(act(async () => (await import('./commands/store-dump.ts')).storeDump, 'finishes'))
  store
    .command('export')
    .description(
      'Write the messages that consumers could still get into a file: as JSON lines, or compact, with each record as it ' +
        'is stored. It is consistent up to the end of the log.',
    )
    .argument('<folder>', 'the data folder of a broker')
    .argument('<file>', 'where to; it must not exist')
    .option('--topic <topic>', 'only of this topic')
    .addOption(
      new Option('--format <format>', 'of the file (default: jsonl)').choices(FORMATS).argParser(word(FORMATS)),
    )
    .addHelpText(
      'after',
      examples(
        'rmq store export ./data/broker all.jsonl',
        'rmq store export ./data/broker orders.rmq --topic orders --format compact',
      ),
    )
    .action(act(async () => (await import('./commands/store-export.ts')).storeExport, 'finishes'))
  store
    .command('import')
    .description(
      'Send the messages of an export to a running cluster, each to its topic, in the order of each queue. They get new ' +
        'offsets and store times; bodies, tags, keys and other properties stay.',
    )
    .argument('<file>', 'what rmq store export wrote')
    .option('--topic <topic>', 'only of this topic')
    .addHelpText('after', examples('rmq store import all.jsonl', 'rmq store import orders.rmq --nameserver ns1:9876'))
    .action(act(async () => (await import('./commands/store-import.ts')).storeImport, 'finishes'))
  store
    .command('repair')
    .description(
      'Copy everything that is whole into a new folder: messages keep their queue offsets, what was lost counts as lost. ' +
        'The folder itself is only read.',
    )
    .argument('<folder>', 'the data folder of a broker')
    .argument('<new-folder>', 'where to; it must be empty or missing')
    .addHelpText('after', examples('rmq store repair ./data/broker ./data/repaired'))
    .action(act(async () => (await import('./commands/store-repair.ts')).storeRepair))
}
