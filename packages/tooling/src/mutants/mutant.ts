// A named fault: one exact piece of source text, what stands there instead, and the one test that must turn red.
// Invariant: the text occurs exactly once in its file, so that a mutant can not rot unseen.

export interface Mutant {
  /** What goes wrong, as a sentence. */
  readonly name: string
  /** From the root of the workspace. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly text: string
  readonly replacement: string
  /** The test file that is run, from the root. */
  readonly testFile: string
  /** The full name of the test in it that must fail. */
  readonly test: string
}

/** The mutated source, or why there is none. */
export type Mutation =
  | { readonly kind: 'mutated'; readonly source: string }
  | { readonly kind: 'rotten'; readonly reason: string }

/** Puts the fault into the source of its file. */
export function mutate(source: string, { file, text, replacement }: Mutant): Mutation {
  const at = source.indexOf(text)
  if (at < 0) return { kind: 'rotten', reason: `its text is gone from ${file}: bring the mutant up to date` }
  if (source.indexOf(text, at + 1) >= 0) {
    return { kind: 'rotten', reason: `its text occurs more than once in ${file}: make it longer` }
  }
  return { kind: 'mutated', source: source.slice(0, at) + replacement + source.slice(at + text.length) }
}
