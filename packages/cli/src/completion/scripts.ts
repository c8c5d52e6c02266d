// The scripts that teach a shell to ask `rmq __complete` what may come next. Each answer is a word, a tab and a help text.

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# rmq in bash: source <(rmq completion bash)
_rmq() {
  local line
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _rmq rmq
`,
  zsh: `#compdef rmq
# rmq in zsh: source <(rmq completion zsh), or write it as _rmq into a folder of $fpath
_rmq() {
  local line
  local -a found
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n "$line" ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe rmq found; else _files; fi
}
compdef _rmq rmq
`,
  fish: `# rmq in fish: rmq completion fish | source
function __rmq_complete
  set -l words (commandline -opc)
  $words[1] __complete -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c rmq -f -a '(__rmq_complete)'
complete -c rmq -l file -r -F
`,
}

export function completionScript(shell: Shell): string {
  return scripts[shell]
}
