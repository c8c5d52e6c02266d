// A fault: one exact piece of source text, and what stands there instead. Named ones say which test must turn red.
// Invariant: the text occurs exactly once in its file, so that a mutant can not rot unseen.

export interface Fault {
  /** What goes wrong, as a sentence; of a generated one, where and what. */
  readonly name: string
  /** From the root of the workspace. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly text: string
  readonly replacement: string
}

export interface Mutant extends Fault {
  /** The test file that is run, from the root. */
  readonly testFile: string
  /** The full name of the test in it that must fail; of a table of tests its title, where `%s` stands for any text. */
  readonly test: string
}

/** Whether a title stands for a test of this name: `%s` is any text in it, all else is itself. */
export function isNamed(title: string, name: string): boolean {
  const [start = '', ...rest] = title.split('%s')
  const end = rest.pop()
  if (end === undefined) return name === title
  if (!name.startsWith(start) || !name.endsWith(end)) return false
  let from = start.length
  for (const piece of rest) {
    const at = name.indexOf(piece, from)
    if (at < 0) return false
    from = at + piece.length
  }
  return from <= name.length - end.length
}

/** The mutated source, or why there is none. */
export type Mutation =
  | { readonly kind: 'mutated'; readonly source: string }
  | { readonly kind: 'rotten'; readonly reason: string }

/** Puts the fault into the source of its file. */
export function mutate(source: string, { file, text, replacement }: Fault): Mutation {
  const at = source.indexOf(text)
  if (at < 0) return { kind: 'rotten', reason: `its text is gone from ${file}: bring the mutant up to date` }
  if (source.indexOf(text, at + 1) >= 0) {
    return { kind: 'rotten', reason: `its text occurs more than once in ${file}: make it longer` }
  }
  return { kind: 'mutated', source: source.slice(0, at) + replacement + source.slice(at + text.length) }
}
