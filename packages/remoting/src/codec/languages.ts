// Names of client languages; the index is the code in binary headers. Java: LanguageCode.

const LANGUAGES = [
  'JAVA',
  'CPP',
  'DOTNET',
  'PYTHON',
  'DELPHI',
  'ERLANG',
  'RUBY',
  'OTHER',
  'HTTP',
  'GO',
  'PHP',
  'OMS',
  'RUST',
  'NODE_JS',
] as const
const OTHER = 7

/** Unknown codes are 'OTHER'. */
export function languageOf(code: number): string {
  return LANGUAGES[code] ?? LANGUAGES[OTHER]
}

/** Unknown names get the code of 'OTHER'. */
export function languageCodeOf(name: string): number {
  const code = (LANGUAGES as readonly string[]).indexOf(name)
  return code < 0 ? OTHER : code
}
