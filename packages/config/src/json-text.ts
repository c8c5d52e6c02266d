// A JSON object as names and texts with their lines, which JSON.parse does not tell; nor does it tell of a name given
// twice. Objects inside are sections: `{"broker": {"brokerName": "a"}}` names broker.brokerName.
import type { FileEntry, FileFault, FileReading } from './properties-text.ts'

const SECTION_DEPTH_MAX = 4
const TOKEN = /[{}[\]:,]|"(?:[^"\\]|\\.)*"|-?\d[\w.+-]*|true|false|null/y
const WHITE_SPACE = /[ \t\r\n]+/y

interface Token {
  readonly text: string
  readonly line: number
}

class JsonFault extends Error {
  readonly line: number
  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** Reads a whole file; what is not JSON is one fault, where it begins. */
export function readJsonText(content: string): FileReading {
  const entries: FileEntry[] = []
  const faults: FileFault[] = []
  try {
    const reader = createReader(tokensOf(content), entries, faults)
    reader.object('', 0)
    reader.end()
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    faults.push({ line: error.line, reason: error.message })
  }
  return { entries, faults }
}

function tokensOf(content: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  for (let at = 0; at < content.length;) {
    WHITE_SPACE.lastIndex = at
    const space = WHITE_SPACE.exec(content)?.[0]
    if (space !== undefined) {
      line += space.split('\n').length - 1
      at += space.length
      continue
    }
    TOKEN.lastIndex = at
    const text = TOKEN.exec(content)?.[0]
    if (text === undefined) throw new JsonFault(line, `is not JSON at ${JSON.stringify(content.slice(at, at + 20))}`)
    tokens.push({ text, line })
    at += text.length
  }
  tokens.push({ text: '', line })
  return tokens
}

function createReader(tokens: readonly Token[], entries: FileEntry[], faults: FileFault[]) {
  let at = 0
  const next = (): Token => tokens[Math.min(at++, tokens.length - 1)] as Token

  function expect(wanted: string): void {
    const { text, line } = next()
    if (text !== wanted) throw new JsonFault(line, `is not JSON: ${wanted} is expected, not ${shown(text)}`)
  }

  function string(what: string): string {
    const { text, line } = next()
    if (text.startsWith('"')) return parsed(text, line) as string
    throw new JsonFault(line, `is not JSON: ${what} is expected, not ${shown(text)}`)
  }

  /** Passes over whatever the array that was just begun holds. */
  function skipArray(): void {
    for (let open = 1; open > 0;) {
      const { text, line } = next()
      if (text === '') throw new JsonFault(line, 'is not JSON: an array is not closed')
      if (text === '[' || text === '{') open += 1
      if (text === ']' || text === '}') open -= 1
    }
  }

  function member(section: string, depth: number): void {
    const { line } = tokens[at] as Token
    const name = section + string('a name in quotes')
    expect(':')
    const value = tokens[at] as Token
    if (value.text === '{') {
      if (depth === SECTION_DEPTH_MAX) throw new JsonFault(value.line, `${name}: sections are nested too deep`)
      object(`${name}.`, depth + 1)
      return
    }
    at += 1
    if (value.text === '[') {
      skipArray()
      faults.push({ line, reason: `${name}: a list is no value of a setting` })
      return
    }
    if (/^[\]}:,]?$/.test(value.text)) {
      throw new JsonFault(value.line, `is not JSON: a value is expected, not ${shown(value.text)}`)
    }
    const plain = parsed(value.text, value.line)
    if (plain === null) faults.push({ line, reason: `${name}: null is no value of a setting` })
    else entries.push({ name, text: typeof plain === 'string' ? plain : value.text, line })
  }

  function object(section: string, depth: number): void {
    expect('{')
    if (tokens[at]?.text === '}') {
      at += 1
      return
    }
    for (;;) {
      member(section, depth)
      const { text, line } = next()
      if (text === '}') return
      if (text !== ',') throw new JsonFault(line, `is not JSON: , or } is expected, not ${shown(text)}`)
    }
  }

  return {
    object,
    end() {
      const { text, line } = next()
      if (text !== '') throw new JsonFault(line, `is not JSON: the end is expected, not ${shown(text)}`)
    },
  }
}

function parsed(text: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new JsonFault(line, `is not JSON at ${JSON.stringify(text.slice(0, 20))}`)
  }
}

function shown(text: string): string {
  return text === '' ? 'the end of the file' : text.slice(0, 20)
}
