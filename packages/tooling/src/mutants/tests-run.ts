// What a run of tests is asked for, and what it says. A file that ran out of time says nothing yet: the machine may be
// slow. Built event by event, so that what ended is known when the process is ended.
import { stripVTControlCharacters } from 'node:util'

/** Of one failure. */
const FAILURE_CHARS_MAX = 300

export interface TestsRequest {
  /** From the root, in the order in which they run. */
  readonly testFiles: readonly string[]
  /** Only tests of these names; of a table of tests its title, where `%s` stands for any text. All without it. */
  readonly tests?: readonly string[]
  /** How long one file may take. */
  readonly deadlineMs: (testFile: string) => number
  /** Ends with the first failure: it is all that is asked. */
  readonly untilFailure: boolean
}

/** A file that did not end in its time. */
export interface Late {
  readonly testFile: string
  /** How long it was waited for. */
  readonly afterMs: number
}

/** The tests of some files by how they ended. */
export interface TestsRun {
  readonly passed: ReadonlySet<string>
  /** With what each said, in one line. */
  readonly failed: ReadonlyMap<string, string>
  /** The run ended there. */
  readonly late: Late | undefined
  /** Why tests could not be run at all: a file that does not load, or jest itself. */
  readonly broken: readonly string[]
  /** By file, of those that ended. */
  readonly durationsMs: ReadonlyMap<string, number>
}

export type RunTests = (root: string, request: TestsRequest) => Promise<TestsRun>

/** As `jest-events.mjs` tells them; paths are from the root. */
export type TestEvent =
  | {
      readonly kind: 'test'
      readonly path: string
      readonly name: string
      readonly status: 'passed' | 'failed'
      readonly messages: readonly string[]
    }
  | { readonly kind: 'file'; readonly path: string; readonly durationMs: number; readonly broken?: string }

export class TestsLog implements TestsRun {
  readonly passed = new Set<string>()
  readonly failed = new Map<string, string>()
  readonly broken: string[] = []
  readonly durationsMs = new Map<string, number>()
  late: Late | undefined

  /** Nothing that comes after it changes the answer of a run until the first failure. */
  get isDecided(): boolean {
    return this.failed.size > 0 || this.broken.length > 0 || this.late !== undefined
  }

  add(event: TestEvent): void {
    if (event.kind === 'file') {
      this.durationsMs.set(event.path, event.durationMs)
      if (event.broken !== undefined) this.broken.push(`${event.path} could not be run: ${event.broken.trim()}`)
      return
    }
    if (event.status === 'passed') this.passed.add(event.name)
    else this.failed.set(event.name, inOneLine(event.messages))
  }
}

/** What was expected and what came instead, without the stack. */
function inOneLine(messages: readonly string[]): string {
  const [text = ''] = stripVTControlCharacters(messages[0] ?? '').split(/\n\s+at /u)
  return text.replaceAll(/\s+/gu, ' ').trim().slice(0, FAILURE_CHARS_MAX)
}

/** Why these tests can not tell of a fault: they are not green without one. */
export function whyNotGreen({ failed, late, broken }: TestsRun): string | undefined {
  const [red] = failed.keys()
  if (red !== undefined) return `'${red}' fails`
  return broken[0] ?? (late && `${late.testFile} did not end in ${late.afterMs} ms`)
}
