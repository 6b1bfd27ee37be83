import { describe, expect, it } from 'vitest'
import { createRedactor, createVirtualClock } from '../../core/index.ts'
import { isSecretReference, secretRef } from './secret-reference.ts'
import type { SecretSource } from './secret-source.ts'
import { Secrets } from './secrets.ts'

function createTestbed(...sources: SecretSource[]) {
  const clock = createVirtualClock()
  const redactor = createRedactor()
  return { clock, redactor, secrets: new Secrets({ sources, clock, redactor }) }
}

describe('secrets', () => {
  it('A secret comes from the first source that has it, once for all callers, and is redacted from then on.', async () => {
    let asked = 0
    const { secrets, redactor } = createTestbed(
      { get: () => undefined },
      { get: async (name) => ({ value: `${name}-${++asked}` }) },
      { get: () => ({ value: 'never' }) },
    )
    const found = await Promise.all([secrets.get('TOKEN'), secrets.get('TOKEN'), secrets.get('TOKEN')])
    expect(found).toEqual(['TOKEN-1', 'TOKEN-1', 'TOKEN-1'])
    expect(await secrets.reveal(secretRef('TOKEN'))).toBe('TOKEN-1')
    expect(await secrets.reveal('as it is')).toBe('as it is')
    expect(redactor.redact('got TOKEN-1')).toBe('got [redacted]')
  })

  it('A secret with an expiry is refreshed from half of its time on, and is used to its end while the refresh fails.', async () => {
    let answer: () => string = () => 'value-1'
    const { secrets, clock } = createTestbed({ get: () => ({ value: answer(), expiresAt: clock.now() + 60_000 }) })
    expect(await secrets.get('T')).toBe('value-1')
    answer = () => 'value-2'
    await clock.advance('29s')
    expect(await secrets.get('T')).toBe('value-1')
    await clock.advance('2s')
    expect(await secrets.get('T')).toBe('value-2')
    answer = () => {
      throw new Error('the vault said value-2')
    }
    await clock.advance('40s')
    expect(await secrets.get('T')).toBe('value-2')
    await clock.advance('20s')
    await expect(secrets.get('T')).rejects.toMatchObject({
      code: 'secret.failed',
      message: expect.not.stringContaining('value-2'),
    })
    answer = () => 'value-3'
    expect(await secrets.get('T')).toBe('value-3')
  })

  it('A secret that is missing, empty or expired is rejected by name.', async () => {
    const { secrets, clock } = createTestbed({
      get: (name): never =>
        ({
          EMPTY: { value: '' },
          NUMBER: { value: 5 },
          OLD: { value: 'x', expiresAt: clock.now() - 1 },
          WHEN: { value: 'x', expiresAt: 'soon' },
        })[name] as never,
    })
    await expect(secrets.get('NONE')).rejects.toMatchObject({ code: 'secret.missing', details: { name: 'NONE' } })
    for (const name of ['EMPTY', 'NUMBER', 'OLD', 'WHEN'])
      await expect(secrets.get(name), name).rejects.toMatchObject({ code: 'secret.failed', details: { name } })
  })

  it('A secret has a name that is safe for a variable, a path and an argument.', () => {
    for (const name of ['', '-rf', '/etc/passwd', '../x', 'a/../b', 'a b', 'a\n', 5])
      expect(() => secretRef(name as string), String(name)).toThrow(/The name of a secret/)
    expect(secretRef('db/password')).toEqual({ secret: 'db/password' })
    expect(isSecretReference({ secret: 'A' })).toBe(true)
    for (const other of [{ id: 'k', secret: 'A' }, { secret: 5 }, 'A', null])
      expect(isSecretReference(other)).toBe(false)
  })

  it('A secret reference is revealed in lists and plain objects, and nothing else is changed.', async () => {
    const { secrets } = createTestbed({ get: (name) => ({ value: `value of ${name}` }) })
    const when = new Date(0)
    const run = () => 1
    expect(
      await secrets.revealAll({ keys: [{ id: 'k', key: secretRef('K') }], when, run, n: 1, none: undefined }),
    ).toEqual({
      keys: [{ id: 'k', key: 'value of K' }],
      when,
      run,
      n: 1,
      none: undefined,
    })
  })

  it('A secret reference is revealed in a value with cycles, and a value of any depth is searched for it.', async () => {
    const { secrets } = createTestbed({ get: (name) => ({ value: `value of ${name}` }) })
    const cyclic: Record<string, unknown> = { key: secretRef('K') }
    cyclic.all = [cyclic, cyclic]
    const revealed = (await secrets.revealAll(cyclic)) as typeof cyclic
    expect(revealed.key).toBe('value of K')
    expect(revealed.all).toEqual([revealed, revealed])
    expect(cyclic.key).toEqual(secretRef('K'))
    let deep: object = { n: 1 }
    for (let level = 0; level < 10_000; level++) deep = { deep, shared: deep }
    expect(await secrets.revealAll(deep)).toBe(deep)
  })
})
