/** Completion for shells: the names of commands and their options. */
import type { CliCommand } from '../cli-command.ts'
import { misused } from '../exit-codes.ts'
import { globalOptions } from '../global-flags.ts'

export const completionOf = (all: () => readonly CliCommand[]): CliCommand => ({
  name: 'completion',
  parameters: '<shell>',
  description: 'Print the completion script for bash, zsh or fish: source <(troupe completion bash)',
  async run({ out }, [shell = '']) {
    const make = shells[shell]
    if (!make) throw misused(`There is no completion for ${shell}.`, `There is for ${Object.keys(shells).join(', ')}.`)
    const script = make(all())
    if (out.json) out.document({ shell, script })
    else out.raw(script)
  },
})

const longOf = (flags: string) => flags.split(/[ ,]+/).find((word) => word.startsWith('--')) ?? ''
const optionsOf = ({ options = [] }: CliCommand) => [
  ...new Set([...options, ...globalOptions].map(([flags]) => longOf(flags))),
]
const firsts = (commands: readonly CliCommand[]) => [
  ...new Set(commands.map(({ name }) => name.split(' ')[0] as string)),
]
const seconds = (commands: readonly CliCommand[], first: string) =>
  commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []))

/** zsh reads the functions of bash. What fits no word may be the name of a file: of a team, a backup, a configuration. */
function bash(commands: readonly CliCommand[]): string {
  const cases = firsts(commands).map((first) => {
    const subcommands = seconds(commands, first)
    const own = commands.find(({ name, standard }) => name === first || (standard && name.startsWith(`${first} `)))
    const words = [...subcommands, ...(own ? optionsOf(own) : [])].join(' ')
    return `    ${first}) words="${words}" ;;`
  })
  const deeper = commands
    .filter(({ name }) => name.includes(' '))
    .map((command) => `    "${command.name}") words="${optionsOf(command).join(' ')}" ;;`)
  return `_troupe() {
  local words="${firsts(commands).join(' ')}"
  if [ "$COMP_CWORD" -gt 1 ]; then case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac; fi
  if [ "$COMP_CWORD" -gt 2 ]; then case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${deeper.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _troupe troupe
`
}

const quoted = (text: string) => `'${text.replaceAll("'", "\\'")}'`

/** Below each command its own options alone: the word `list` is of seven commands, and each takes others. */
function fish(commands: readonly CliCommand[]): string {
  const seen = (words: readonly string[]) => `__fish_seen_subcommand_from ${words.join(' ')}`
  const lines = firsts(commands).map((first) => {
    const description = commands.find(({ name }) => name === first)?.description ?? ''
    return `complete -c troupe -n __fish_use_subcommand -f -a ${first} -d ${quoted(description)}`
  })
  for (const { name, options = [], description, standard } of commands) {
    const [first = '', second] = name.split(' ')
    const all = seconds(commands, first)
    if (second)
      lines.push(
        `complete -c troupe -n '${seen([first])}; and not ${seen(all)}' -f -a ${second} -d ${quoted(description)}`,
      )
    const others = all.filter((word) => word !== second)
    const condition = standard ? `; and not ${seen(others)}` : second ? `; and ${seen([second])}` : ''
    for (const [flags, means] of options)
      lines.push(
        `complete -c troupe -n '${seen([first])}${condition}' -l ${longOf(flags).slice(2)} -d ${quoted(means)}`,
      )
  }
  for (const [flags, means] of globalOptions)
    lines.push(`complete -c troupe -l ${longOf(flags).slice(2)} -d ${quoted(means)}`)
  return `${lines.join('\n')}\n`
}

/** Loads the completion of zsh if it is not loaded, because the functions for bash depend on it. */
const zshBegin = `if ! whence compdef >/dev/null; then autoload -U compinit && compinit; fi
autoload -U +X bashcompinit && bashcompinit`

const shells: Readonly<Record<string, (commands: readonly CliCommand[]) => string>> = {
  bash,
  zsh: (commands) => `${zshBegin}\n${bash(commands)}`,
  fish,
}
