/** The end of the program: nothing that is left open delays it. */
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ended, Folder, untilPrinted } from './cli-process.ts'

describe('the end of the program', () => {
  const folder = new Folder()
  afterAll(() => folder[Symbol.dispose]())

  it('A command ends although the configuration left a timer open, with all of its output.', async () => {
    const agent = `defineAgent({ name: 'Long', run: async () => 'long '.repeat(20_000) })`
    writeFileSync(
      join(folder.path, 'troupe.config.ts'),
      `import { defineAgent } from 'troupe'\nsetInterval(() => {}, 1_000)\nexport default { storage: 'memory:', agents: [${agent}] }`,
    )
    const { code, out } = await folder.run(['run', 'Long', 'x', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ response: 'long '.repeat(20_000) })
  })

  it('A command ends with 2 for a user, an agent and an API key that no request carries.', async () => {
    for (const flags of [
      ['--user', 'a\nb'],
      ['--agent', 'a\tb'],
    ])
      expect(await folder.run(['context', 'list', ...flags])).toMatchObject({
        code: 2,
        error: expect.stringContaining('control characters'),
      })
    const env = { TROUPE_API_KEY: 'tk_planted 名' }
    const { code, error } = await folder.run(['runs', 'list', '--url', 'http://127.0.0.1:1'], { env })
    expect(code).toBe(2)
    expect(error).not.toContain('planted')
    expect(await folder.run(['context', 'set', 'k', '1', '--user', ' ada'])).toMatchObject({ code: 2 })
  })

  it('A command names the run that it followed when its server dies.', async () => {
    using served = new Folder()
    copyFileSync(join(import.meta.dirname, 'team.config.ts'), join(served.path, 'troupe.config.ts'))
    const server = served.spawn(['serve', '--port', '0', '--json'])
    const { url } = JSON.parse((await untilPrinted(server, /"serving".*\n/)).trim())
    const following = served.spawn(['run', 'Slow', 'x', '--id', 'slow', '--url', url])
    const end = ended(following)
    await untilPrinted(following, /Slow begins/)
    server.kill('SIGKILL')
    expect(await end).toMatchObject({ code: 5, error: expect.stringContaining('troupe runs result slow --wait 30s\n') })
  })

  it('A command ends with 5 if the server that owns its database is stopped, and names the process.', async () => {
    using served = new Folder()
    copyFileSync(join(import.meta.dirname, 'team.config.ts'), join(served.path, 'troupe.config.ts'))
    const server = served.spawn(['serve', '--port', '0', '--json'])
    await untilPrinted(server, /"serving".*\n/)
    server.kill('SIGSTOP')
    try {
      const error = expect.stringMatching(new RegExp(`process ${server.pid} [^]*does not answer[^]*SIGCONT`))
      expect(await served.run(['runs', 'list'])).toMatchObject({ code: 5, error })
    } finally {
      server.kill('SIGCONT')
      server.kill('SIGKILL')
    }
  })

  it('The server of `troupe dev` drains and ends when `troupe dev` is killed.', async () => {
    using served = new Folder()
    copyFileSync(join(import.meta.dirname, 'team.config.ts'), join(served.path, 'troupe.config.ts'))
    const dev = served.spawn(['dev', '--port', '0', '--json'])
    const { pid } = JSON.parse((await untilPrinted(dev, /"serving".*\n/)).trim())
    dev.kill('SIGKILL')
    try {
      await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false)
    } finally {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    }
  })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
