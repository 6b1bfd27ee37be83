import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TroupeError } from '../../core/index.ts'
import { troupeOptions } from '../option-shapes.ts'
import { settings, variableOf } from '../settings/settings.ts'
import { loadConfig } from './load-config.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'troupe-hostile-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))
const load = (text: string, file = 'troupe.config.yaml') => {
  writeFileSync(join(cwd, file), text)
  return loadConfig({ cwd, env: {} })
}
const garbage = ['null', '5', '-1', '"x"', '""', '[]', '[null]', '{}', 'true', '{ a: null }', '{ __proto__: { a: 1 } }']

describe('a hostile configuration', () => {
  it.each([...troupeOptions, 'teams', 'server'])(
    'A hostile configuration with anything for %s gives problems, and never throws.',
    async (name) => {
      for (const value of garbage) {
        const { problems } = await load(`${name}: ${value}\n`)
        expect(problems.every((problem) => problem instanceof TroupeError)).toBe(true)
      }
    },
  )

  it('A hostile configuration with prototype keys changes no prototype.', async () => {
    for (const text of [
      '{"__proto__":{"polluted":1},"messaging":{"__proto__":{"polluted":1}},"models":{"limits":{"__proto__":{"polluted":1}}}}',
      '{"constructor":{"prototype":{"polluted":1}},"storage":{"__proto__":{"polluted":1}}}',
    ]) {
      const { problems } = await load(text, 'troupe.config.json')
      expect(problems.length).toBeGreaterThan(0)
    }
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined()
  })

  it('A hostile configuration that expands when it is read is rejected.', async () => {
    const levels = Array.from(
      { length: 20 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`,
    )
    const { problems } = await load(`l0: &l0 [x, x]\n${levels.join('\n')}\n`)
    expect(problems[0]).toMatchObject({ code: 'config.unreadable' })
  })

  it('A configuration of invalid variables names all of them, and shows no secret.', async () => {
    const read = settings.filter(({ kind }) => kind.fromText('{planted') === undefined)
    const env = Object.fromEntries(read.map((setting) => [variableOf(setting), '{planted']))
    const { problems } = await loadConfig({ cwd, env })
    const text = problems.map(({ message }) => message).join('\n')
    for (const { path } of read) expect(text).toContain(path)
    for (const { path, kind } of read)
      if (kind.secret) expect(text).not.toMatch(new RegExp(`^${path.replaceAll('.', '\\.')} is \\{planted`, 'm'))
  })
})
