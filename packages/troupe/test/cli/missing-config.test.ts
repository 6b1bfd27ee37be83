/** The program in a folder without a configuration. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ended, Folder, untilPrinted } from './cli-process.ts'

describe('a folder without a configuration', () => {
  const folder = new Folder()
  afterAll(() => folder[Symbol.dispose]())
  const message =
    /There is no troupe\.config\.ts in \S+: this troupe has no agents and no teams\. `troupe init` makes one/

  it.each(['serve', 'dev'])(
    'The command `troupe %s` reports a missing configuration, and how to make one.',
    async (command) => {
      const serving = folder.spawn([command, '--port', '0'])
      expect(await untilPrinted(serving, message)).toMatch(message)
      serving.kill('SIGINT')
      await ended(serving)
    },
    60_000,
  )

  it.each(['serve', 'dev'])(
    'The command `troupe %s` rejects a wrong port before it opens the troupe, whose runs would continue.',
    async (command) => {
      const empty = new Folder()
      for (const port of ['80O0', '70000', '-1']) {
        const { code, error } = await empty.run([command, '--port', port])
        expect({ code, error }).toEqual({ code: 2, error: expect.stringContaining(`--port takes a number`) })
      }
      expect(existsSync(join(empty.path, 'data'))).toBe(false)
      empty[Symbol.dispose]()
    },
    60_000,
  )

  it('The program stores its compiled modules in the cache folder of its user, and works where there is none.', async () => {
    const XDG_CACHE_HOME = join(folder.path, 'caches')
    const version = async () => (await folder.run(['--version'], { env: { XDG_CACHE_HOME } })).out
    expect(await version()).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(existsSync(XDG_CACHE_HOME)).toBe(false)
    mkdirSync(XDG_CACHE_HOME)
    expect(await version()).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(readdirSync(join(XDG_CACHE_HOME, 'troupe'))).not.toEqual([])
  })

  it('The command `troupe run` reports a missing configuration before it makes a database.', async () => {
    const empty = new Folder()
    const { code, error } = await empty.run(['run', 'desk', 'x'])
    expect({ code, error }).toEqual({
      code: 2,
      error: expect.stringMatching(/There is no troupe\.config\.ts.*\n`troupe init`/),
    })
    expect(existsSync(join(empty.path, 'data'))).toBe(false)
    const named = await empty.run(['run', 'desk', 'x', '--storage', 'memory:'])
    expect(named).toMatchObject({ code: 2, error: expect.stringMatching(/There is no troupe\.config\.ts/) })
    empty[Symbol.dispose]()
  })
})
