import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRedactor, createVirtualClock } from '../../core/index.ts'
import { createTroupe, secretRef } from '../../index.ts'
import { openSecrets, type SecretsConfig } from './open-secrets.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (config: SecretsConfig | undefined, variables = {}) => {
  const clock = createVirtualClock()
  return { clock, secrets: openSecrets(config, { clock, redactor: createRedactor(), variables }) }
}

describe('sources of secrets', () => {
  it('The environment is the source of secrets by default.', async () => {
    const { secrets } = open(undefined, { TOKEN: 'from the environment', EMPTY: '' })
    expect(await secrets.get('TOKEN')).toBe('from the environment')
    await expect(secrets.get('EMPTY')).rejects.toMatchObject({ code: 'secret.missing' })
  })

  it('A folder of secret files is read again after a while, and no file outside it.', async () => {
    mkdirSync(join(folder, 'run', 'db'), { recursive: true })
    writeFileSync(join(folder, 'outside'), 'not for you')
    writeFileSync(join(folder, 'run', 'db', 'password'), ' pass word \n')
    const { secrets, clock } = open([{ files: join(folder, 'run'), ttl: '10s' }])
    expect(await secrets.get('db/password')).toBe(' pass word ')
    writeFileSync(join(folder, 'run', 'db', 'password'), 'rotated')
    expect(await secrets.get('db/password')).toBe(' pass word ')
    await clock.advance('6s')
    expect(await secrets.get('db/password')).toBe('rotated')
    for (const name of ['missing', 'db', 'db/password/x'])
      await expect(secrets.get(name), name).rejects.toMatchObject({ code: 'secret.missing' })
    await expect(secrets.get('../outside')).rejects.toMatchObject({ code: 'validation.failed' })
  })

  it('A secret command executes without a shell, and its failures contain nothing that it printed.', async () => {
    const print = [process.execPath, '-e', 'process.stdout.write(process.argv[1] + "\\n")']
    const { secrets } = open([{ command: [...print, 'of {name}; echo $HOME'] }])
    expect(await secrets.get('TOKEN')).toBe('of TOKEN; echo $HOME')
    const failing = [process.execPath, '-e', 'console.log("planted"); console.error("planted"); process.exit(3)']
    await expect(open([{ command: failing }]).secrets.get('T')).rejects.toMatchObject({
      code: 'secret.failed',
      message: expect.stringMatching(/^(?!.*planted).*ended with 3/),
    })
    const hanging = [process.execPath, '-e', 'setTimeout(() => {}, 60_000)']
    await expect(open([{ command: hanging, timeout: '100ms' }]).secrets.get('T')).rejects.toThrow(
      'took longer than 100 ms',
    )
    await expect(open([{ command: ['/nonexistent/program'] }]).secrets.get('T')).rejects.toThrow('ENOENT')
    const silent = [process.execPath, '-e', '0']
    await expect(open([{ command: silent }]).secrets.get('T')).rejects.toMatchObject({ code: 'secret.missing' })
  })

  it('A secret source is rejected if it is invalid or has misspelt options.', () => {
    for (const source of [
      'env',
      {},
      null,
      { files: '' },
      { files: 'x', tll: '1s' },
      { files: 'x', ttl: '0s' },
      { command: [] },
      { command: 'sh -c x' },
      { get: 1 },
    ])
      expect(() => open([source] as never), JSON.stringify(source)).toThrow(
        expect.objectContaining({ name: 'ValidationError' }),
      )
    expect(() => open('environment' as never)).toThrow('must be a list')
  })
})

describe('createTroupe', () => {
  it('createTroupe reveals secrets of storage, encryption and signatures, and rejects at once if one is missing.', async () => {
    const vault = new Map([
      ['STORAGE', `sqlite:${join(folder, 'troupe.db')}`],
      ['KEY', 'ab'.repeat(32)],
      ['SIGN', 'of the signatures, of 32 bytes at least'],
    ])
    const secrets = [{ get: (name: string) => (vault.has(name) ? { value: vault.get(name) as string } : undefined) }]
    const config = {
      storage: secretRef('STORAGE'),
      encryption: { keys: [{ id: 'k', key: secretRef('KEY') }] },
      messaging: { signatures: { keys: [{ id: 's', secret: secretRef('SIGN') }] } },
      secrets,
      log: 'silent',
    } as const
    const troupe = await createTroupe(config)
    await troupe.user('ada').context.push('k', 1)
    expect(await troupe.secrets.get('KEY')).toBe('ab'.repeat(32))
    expect(troupe.redact(`the key ${'ab'.repeat(32)}`)).toBe('the key [redacted]')
    await troupe.close()
    vault.set('KEY', 'cd'.repeat(32))
    await expect(createTroupe(config)).rejects.toMatchObject({ code: 'encryption.key_wrong' })
    vault.delete('KEY')
    await expect(createTroupe(config)).rejects.toMatchObject({ code: 'secret.missing', details: { name: 'KEY' } })
    // Nothing is left open.
    vault.set('KEY', 'ab'.repeat(32))
    await (await createTroupe(config)).close()
  })

  it('A secret file without read permission is reported as a failure.', async () => {
    writeFileSync(join(folder, 'TOKEN'), 'x')
    chmodSync(join(folder, 'TOKEN'), 0o000)
    const { secrets } = open([{ files: folder }])
    const found = await secrets.get('TOKEN').catch((error: { code: string }) => error.code)
    // Root may read everything.
    expect(found).toBe(process.getuid?.() === 0 ? 'x' : 'secret.failed')
  })
})
