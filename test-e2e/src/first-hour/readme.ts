// The quick start of README.md, taken from it word for word: the program, and what the README says that it prints.
import { expectThat } from '../steps.ts'

export interface QuickStart {
  readonly program: string
  /** The file name that the README gives the program. */
  readonly fileName: string
  /** What is installed before. */
  readonly install: string
  /** One line of output each; `…` stands for text that differs from run to run. */
  readonly output: readonly string[]
}

/** Finds the quick start, or says what is missing of it. */
export function quickStartOf(readme: string): QuickStart {
  const section = sectionOf(readme, 'Quick start')
  const program = blockOf(section, 'js')
  const output = blockOf(section, 'text')
  const fileName = /save this as `([\w.-]+)`/.exec(section)?.[1]
  const install = /`npm i ([^`]+)`/.exec(section)?.[1]
  expectThat(program !== undefined, 'the quick start of README.md has no block of js')
  expectThat(output !== undefined, 'the quick start of README.md has no block of text: what its program prints')
  expectThat(fileName !== undefined && install !== undefined, 'the quick start names no file, or nothing to install')
  return { program, fileName, install, output: output.trimEnd().split('\n') }
}

/** What stands under a heading, or an error where README.md has none. */
export function sectionOf(readme: string, heading: string): string {
  const section = new RegExp(String.raw`^## ${heading}$([\s\S]*?)(?=^## )`, 'm').exec(readme)?.[1]
  expectThat(section !== undefined, `README.md has no section "${heading}"`)
  return section
}

/** The first block of a language. */
export function blockOf(section: string, language: string): string | undefined {
  return new RegExp(String.raw`^\`\`\`${language}\n([\s\S]*?)^\`\`\`$`, 'm').exec(section)?.[1]
}

/** Undefined where the output is what the README says; else the first line that differs. */
export function differenceOf(actual: string, expected: readonly string[]): string | undefined {
  const lines = actual.trimEnd().split('\n')
  for (let at = 0; at < Math.max(lines.length, expected.length); at += 1) {
    const pattern = expected[at]?.split('…').map(literal).join('\\S+')
    const line = lines[at]
    if (pattern === undefined || line === undefined || !new RegExp(`^${pattern}$`).test(line)) {
      return `line ${at + 1} is ${JSON.stringify(line)}, README.md says ${JSON.stringify(expected[at])}`
    }
  }
  return undefined
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
