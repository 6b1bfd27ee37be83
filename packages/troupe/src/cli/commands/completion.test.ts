import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { CommandContext } from '../cli-command.ts'
import { commands } from '../commands.ts'
import { globalOptions } from '../global-flags.ts'
import { completionOf } from './completion.ts'

async function scriptFor(shell: string): Promise<string> {
  let written = ''
  const raw = (text: string) => {
    written += text
  }
  await completionOf(() => commands).run({ out: { raw } } as unknown as CommandContext, [shell], {})
  return written
}
const words = (line: string) => line.split(/\s+/).filter(Boolean)

describe('completion', () => {
  const isBash = spawnSync('bash', ['-c', 'complete -p; true']).status === 0

  it.skipIf(!isBash)('The completion for bash offers commands, then subcommands, then options.', async () => {
    const script = await scriptFor('bash')
    const offered = (...typed: string[]) => {
      const list = typed.map((word) => `'${word}'`).join(' ')
      const asked = `${script}\nCOMP_WORDS=(troupe ${list}); COMP_CWORD=${typed.length}; _troupe; echo "\${COMPREPLY[@]}"`
      const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', asked], { encoding: 'utf8' })
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
      return words(stdout)
    }
    expect(offered('')).toEqual([...new Set(commands.map(({ name }) => name.split(' ')[0]))])
    expect(offered('sch')).toEqual(['schedules'])
    expect(offered('api-keys', '')).toEqual(['create', 'list', 'link', 'rotate', 'revoke'])
    expect(offered('run', '--d')).toEqual(['--detach', '--debug'])
    expect(offered('audit', '--in')).toEqual(['--incidents'])
    expect(offered('context', 'watch', '--p')).toEqual(['--pattern', '--profile'])
    expect(script, 'what is not a word may be a file').toContain('complete -o default -F _troupe troupe')
  })

  it('The completion for zsh loads compinit if it was not loaded before.', async () => {
    const lines = (await scriptFor('zsh')).split('\n')
    expect(lines[0]).toBe('if ! whence compdef >/dev/null; then autoload -U compinit && compinit; fi')
    expect(lines[1]).toBe('autoload -U +X bashcompinit && bashcompinit')
  })

  it('The completion for fish offers options below their command, and files beside them.', async () => {
    const lines = (await scriptFor('fish')).split('\n')
    const offering = (rest: string) =>
      lines.filter((line) => line.includes(` -l ${rest} `)).map((line) => line.split("'")[1])
    const seen = '__fish_seen_subcommand_from'
    expect(offering('prefix')).toEqual([`${seen} context; and ${seen} list`])
    expect(offering('incidents')).toEqual([`${seen} audit; and not ${seen} search incidents export verify`])
    expect(lines.filter((line) => line.startsWith('complete -c troupe -l '))).toHaveLength(globalOptions.length)
    expect(lines.filter((line) => line.includes('from runs;') && line.includes(' -a show '))).toEqual([
      expect.stringMatching(
        /-n '__fish_seen_subcommand_from runs; and not __fish_seen_subcommand_from list show .*' -f -a show/,
      ),
    ])
    expect(lines, 'no rule turns files off for all of it').not.toContain('complete -c troupe -f')
  })

  it('The completions for zsh and fish name every command, and another shell is rejected.', async () => {
    const fish = await scriptFor('fish')
    const zsh = await scriptFor('zsh')
    for (const { name } of commands) {
      const last = name.split(' ').at(-1) as string
      expect(fish).toContain(` -a ${last} `)
      expect(zsh).toContain(last)
    }
    await expect(scriptFor('tcsh')).rejects.toThrow('There is no completion for tcsh.')
  })
})
