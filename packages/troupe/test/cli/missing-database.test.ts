/** The program where the storage is a file that is not there: who only looks makes none. */
import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Folder } from './cli-process.ts'

describe('a misspelt database name', () => {
  const folder = new Folder()
  beforeAll(async () => {
    copyFileSync(join(import.meta.dirname, 'team.config.ts'), join(folder.path, 'troupe.config.ts'))
    writeFileSync(join(folder.path, 'cases.jsonl'), '{"id":"a","input":"x","expected":"y"}\n')
    for (const name of ['checkpoints.jsonl', 'audit.pem', 'other.txt']) writeFileSync(join(folder.path, name), '')
    expect((await folder.run(['run', 'echo', 'x', '--storage', 'sqlite:./typo.db'])).code).toBe(0)
  })
  afterAll(() => folder[Symbol.dispose]())
  const files = () => readdirSync(folder.path).sort()
  const misspelt = ['--storage', 'sqlite:./tyop.db']

  it.each([
    'runs list',
    'runs answer x q yes',
    'context get x',
    'messages mailboxes',
    'audit verify checkpoints.jsonl --public-key audit.pem',
    'backup monday',
    'resume-restored',
    'versions',
  ])(
    'The command %s reports a missing database, names the nearest file, and makes nothing.',
    async (command) => {
      const before = files()
      const { code, out, error } = await folder.run([...command.split(' '), ...misspelt, '--json'])
      expect({ code, out }).toEqual({ code: 4, out: '' })
      expect(JSON.parse(error).error).toEqual({
        code: 'storage.missing',
        message: 'There is no database at ./tyop.db.',
        hint: 'Did you mean sqlite:./typo.db?',
      })
      expect(files()).toEqual(before)
    },
    60_000,
  )

  it('A command without a similar database name says what makes one, and makes no folder either.', async () => {
    const { code, error } = await folder.run(['runs', 'list'])
    const expected =
      'There is no database at ./data/troupe.db.\nStart a run or a server, or run `troupe migrate`, to create it.\n'
    expect({ code, error }).toEqual({ code: 4, error: expected })
    expect(existsSync(join(folder.path, 'data'))).toBe(false)
  })

  it('The doctor reports a missing database as a result.', async () => {
    const before = files()
    const { checks } = await folder.json<{ checks: readonly { id: string }[] }>(['doctor', ...misspelt], { code: 1 })
    expect(checks.find(({ id }) => id === 'troupe.opens')).toMatchObject({
      status: 'fail',
      evidence: 'There is no database at ./tyop.db.',
      remedy: 'Did you mean sqlite:./typo.db?',
    })
    expect(files()).toEqual(before)
  })

  it('A command that needs only code works without the database, in production too.', async () => {
    const before = files()
    const key = { TROUPE_ENCRYPTION_KEY: 'ab'.repeat(32), TROUPE_PROFILE: 'production' }
    expect(await folder.json(['check', ...misspelt], { env: key })).toMatchObject([{ team: 'echo' }])
    expect((await folder.run(['topology', 'draw', 'echo', ...misspelt])).out).toContain('Echo')
    expect((await folder.run(['agents', ...misspelt])).out).toContain('Payer')
    expect(files()).toEqual(before)
  })

  it.each([
    'context set a 1 --ttl soon',
    'context set a 1 --lifecycle forever',
    'context set a 1 --audience owner --subscribers Clerk',
    'context set a 1 --agent User',
    'messages send Stock order {} --priority now',
    'api-keys create ci --role king',
    'api-keys create ci --expires-in soon',
    'api-keys create ci --users ,',
    'run echo x --budget {"steps":-1}',
    'run echo x --budget {"stpes":1}',
    'run echo @absent.txt',
    'load echo --total 0',
    'load echo --success-rate 2',
    'load echo --p99 fast',
    'run echo x --id=',
    'run echo x --thread=',
    'run echo x --user=',
    'load echo --user=',
    'schedules create echo x --in soon',
    'schedules create echo x --at yesterday',
    'schedules create echo x --in 1h --time-zone Mars',
    'schedules create echo x --in 1h --misfire never',
    'schedules create echo x',
    'evaluate cases.jsonl --team echo --scorer nosuch',
    'evaluate cases.jsonl --team echo --id=',
    'evaluate cases.jsonl --team echo --budget {"steps":-1}',
    'evaluate cases.jsonl --team echo --total-budget {"cost":-1}',
  ])(
    'The command %s with a wrong value ends with 2, and makes nothing.',
    async (command) => {
      const before = files()
      expect(await folder.run([...command.split(' '), ...misspelt])).toMatchObject({ code: 2, out: '' })
      expect(files()).toEqual(before)
    },
    60_000,
  )

  it.each([
    'run ecko x',
    'chat ecko',
    'load ecko --total 1',
    'schedules create ecko x --in 1h',
    'evaluate cases.jsonl --team ecko',
    'evaluate cases.jsonl --agent Ecko',
    'evaluate cases.jsonl --team echo --against ecko',
  ])(
    'The command %s reports an unknown team with the nearest name, and makes nothing.',
    async (command) => {
      const before = files()
      const { code, out, error } = await folder.run([...command.split(' '), ...misspelt, '--json'])
      expect({ code, out }).toEqual({ code: 4, out: '' })
      expect(JSON.parse(error).error).toMatchObject({ code: 'team.unknown', message: expect.stringMatching(/echo/i) })
      expect(files()).toEqual(before)
    },
    60_000,
  )

  it('A command that writes makes a missing database.', async () => {
    expect((await folder.run(['context', 'set', 'a', '1', '--storage', 'sqlite:./new/one.db'])).code).toBe(0)
    expect((await folder.run(['context', 'get', 'a', '--storage', 'sqlite:./new/one.db'])).out).toBe('1\n')
    expect((await folder.run(['api-keys', 'create', 'ci', '--storage', 'sqlite:./new/two.db'])).code).toBe(0)
  })
})
