// What may come next on a command line, from the commands themselves. Pure but for the names of a cluster, which the
// caller looks up.
import type { Argument, Command, Option } from 'commander'

export interface Candidate {
  readonly word: string
  readonly help: string
}

/** Names that only a cluster knows; 'file' is for the shell. */
export type Wanted = 'topic' | 'group' | 'broker' | 'cluster' | 'file'

export interface Completion {
  readonly candidates: readonly Candidate[]
  readonly wanted: Wanted | undefined
  /** What was typed of the word. */
  readonly typed: string
  /** What the line says of --nameserver. */
  readonly nameserver: string | undefined
}

const WANTED: ReadonlySet<string> = new Set<Wanted>(['topic', 'group', 'broker', 'cluster', 'file'])

/** @param words those behind `rmq`; the last one is being typed, and may be empty */
export function complete(program: Command, words: readonly string[]): Completion {
  const typed = words.at(-1) ?? ''
  let command = program
  let positional = 0
  let awaiting: Option | undefined
  let nameserver: string | undefined
  for (const word of words.slice(0, -1)) {
    if (awaiting !== undefined) {
      if (awaiting.attributeName() === 'nameserver') nameserver = word
      awaiting = undefined
    } else if (word.startsWith('-')) awaiting = word.includes('=') ? undefined : valued(command, word)
    else {
      const below = command.commands.find((each) => each.name() === word)
      if (below === undefined) positional += 1
      else command = below
    }
  }
  if (awaiting !== undefined)
    return { ...matching(typed, choicesOf(awaiting), wantedOf(awaiting.attributeName())), nameserver }
  if (typed.startsWith('-')) return { ...matching(typed, optionsOf(command), undefined), nameserver }
  const argument = argumentAt(command, positional)
  const below = visible(command).map((each) => ({ word: each.name(), help: each.description() }))
  return { ...matching(typed, [...below, ...choicesOf(argument)], wantedOf(argument?.name())), nameserver }
}

function matching(
  typed: string,
  candidates: readonly Candidate[],
  wanted: Wanted | undefined,
): Omit<Completion, 'nameserver'> {
  return { candidates: candidates.filter(({ word }) => word.startsWith(typed)), wanted, typed }
}

function visible(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command)
}

function allOptions(command: Command): readonly Option[] {
  return command.parent === null ? command.options : [...command.options, ...allOptions(command.parent)]
}

/** The option that a word names, where a value follows it. */
function valued(command: Command, word: string): Option | undefined {
  const option = allOptions(command).find((each) => each.long === word || each.short === word)
  return option?.required === true || option?.optional === true ? option : undefined
}

function optionsOf(command: Command): Candidate[] {
  return [
    ...allOptions(command)
      .filter(({ long, hidden }) => long !== undefined && !hidden)
      .map(({ long, description }) => ({ word: long as string, help: description })),
    { word: '--help', help: 'show help' },
  ]
}

function choicesOf(place: Option | Argument | undefined): Candidate[] {
  return (place?.argChoices ?? []).map((word) => ({ word, help: '' }))
}

/** The last one takes all further words where it is variadic. */
function argumentAt(command: Command, index: number): Argument | undefined {
  const all = command.registeredArguments
  return all[index] ?? (all.at(-1)?.variadic === true ? all.at(-1) : undefined)
}

function wantedOf(name: string | undefined): Wanted | undefined {
  return name !== undefined && WANTED.has(name) ? (name as Wanted) : undefined
}
