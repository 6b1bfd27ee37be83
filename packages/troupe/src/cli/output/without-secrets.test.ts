import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { openCommandContext } from '../command-context.ts'
import { main } from '../main.ts'
import { withoutSecrets } from './without-secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

it.each([
  ['at postgres://ada:s3cret@host/db', 'at postgres://[redacted]@host/db'],
  ['at postgres://ada@host/db', 'at postgres://ada@host/db'],
  ['GET https://far/v1?a=1&api_key=abc123&b=2', 'GET https://far/v1?a=1&api_key=[redacted]&b=2'],
  ['a planted-in-variable and a planted-in-file', 'a [redacted] and a [redacted]'],
  ['file:///a/b.ts:10:5 of node@24', 'file:///a/b.ts:10:5 of node@24'],
  ['/home/ada is not a secret', '/home/ada is not a secret'],
])('%s', (text, clean) => {
  const env = { SHOP_API_KEY: 'planted-in-variable', HOME: '/home/ada' }
  expect(withoutSecrets(text, env, ['planted-in-file'])).toBe(clean)
})

function configured(content: string): string {
  const path = join(mkdtempSync(join(folder, 'of-')), 'troupe.config.mjs')
  writeFileSync(path, content)
  return path
}

it('The command context knows the secret values of a configuration, without locations and names of secrets.', async () => {
  const config = configured(`export default {
    storage: 'postgres://ada:of/storage@host/db',
    encryption: { key: { secret: 'OF_MINE' } },
    models: { keys: { openai: 'of-openai' } },
    otlp: { url: 'http://localhost:4318', headers: { authorization: 'of-otlp' } },
    server: { key: 'of-server' },
  }`)
  await using context = openCommandContext({ config }, new AbortController().signal)
  await context.config()
  expect([...context.secrets].sort()).toEqual(['of-openai', 'of-otlp', 'of-server', 'of/storage'])
})

it('The stacks of --debug contain no secret of a variable, of the configuration, or of an address.', async () => {
  vi.stubEnv('SHOP_API_KEY', 'planted-in-variable')
  // Its name is read while the configuration is, and again when the troupe is opened: then it throws.
  const config = configured(`
    Error.stackTraceLimit = 50
    const name = () => {
      if (!new Error().stack.includes('create-troupe')) return 'A'
      throw new Error('planted-in-variable planted-in-config postgres://a:planted@host/db')
    }
    const agent = { get name() { return name() }, run: () => 'done' }
    export default { storage: 'memory:', log: 'silent', server: { key: 'planted-in-config' }, agents: [agent] }`)
  let written = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += String(text)
    return true
  })
  const code = await main(['node', 'troupe', 'run', 'A', 'hi', '--debug', '--config', config])
  expect(code).not.toBe(0)
  expect(written).toMatch(/\[redacted\] \[redacted\] postgres:\/\/\[redacted\]@host.*\n +at /s)
  expect(written).not.toContain('planted')
})
