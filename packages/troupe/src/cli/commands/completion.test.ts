import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { Hands } from '../command.ts'
import { commands } from '../commands.ts'
import { completionOf } from './completion.ts'

async function scriptFor(shell: string): Promise<string> {
  let written = ''
  const raw = (text: string) => {
    written += text
  }
  await completionOf(() => commands).run({ out: { raw } } as unknown as Hands, [shell], {})
  return written
}
const words = (line: string) => line.split(/\s+/).filter(Boolean)

describe('completion', () => {
  const isBash = spawnSync('bash', ['-c', 'complete -p; true']).status === 0

  it.skipIf(!isBash)('in bash offers commands, then what is below one, then its options', async () => {
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
    expect(offered('keys', '')).toEqual(['create', 'list', 'link', 'rotate', 'revoke'])
    expect(offered('run', '--d')).toEqual(['--detach', '--debug'])
    expect(offered('audit', '--in')).toEqual(['--incidents'])
    expect(offered('context', 'watch', '--p')).toEqual(['--pattern', '--profile'])
  })

  it('for zsh and fish names every command, and another shell is refused with those there are', async () => {
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
