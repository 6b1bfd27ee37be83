import { describe, expect, it } from 'vitest'
import { createVirtualClock, failure, seededRandom } from '../core/index.ts'
import { compilePolicy } from './compile-policy.ts'
import { createPolicies } from './policies.ts'
import { LastKnownGood } from './pools/last-known-good.ts'

const parts = () => ({ clock: createVirtualClock(), random: seededRandom(1) })
const timesOut = () => Promise.reject(failure('timeout', { what: 'The shop', kind: 'own', limit: '1s' }))

describe('the last good value', () => {
  it('The last good value replaces a failure, of its key alone, up to its maximum age.', async () => {
    const { clock } = parts()
    const good = new LastKnownGood({ clock, maxAge: '1h' })
    expect(await good.execute(() => 17, { key: 'ada stock' })).toBe(17)
    expect(await good.execute(timesOut, { key: 'ada stock' })).toBe(17)
    await expect(good.execute(timesOut, { key: 'eve stock' })).rejects.toThrow(/The shop/)
    await expect(good.execute(timesOut)).rejects.toThrow(/The shop/)
    await clock.advance('30m')
    expect(await good.get('ada stock')).toEqual({ value: 17, ageMs: 1_800_000 })
    await clock.advance('31m')
    await expect(good.execute(timesOut, { key: 'ada stock' })).rejects.toThrow(/The shop/)
  })
  it('The last good value is returned only to readers that may still see it.', async () => {
    let allowed = true
    const good = new LastKnownGood({ ...{ clock: parts().clock }, mayStillSee: () => allowed })
    good.update('ada plan', 'secret')
    expect(await good.execute(timesOut, { key: 'ada plan' })).toBe('secret')
    allowed = false
    await expect(good.execute(timesOut, { key: 'ada plan' })).rejects.toThrow(/The shop/)
    allowed = true
    await expect(good.execute(timesOut, { key: 'ada plan' })).rejects.toThrow(/The shop/)
  })
})

describe('a policy in words', () => {
  it('A policy bounds each attempt, retries, opens its breaker, and falls back.', async () => {
    const testParts = parts()
    const policy = compilePolicy(
      { fallback: 'none', retry: { attempts: 2 }, breaker: { failures: 2, pause: '1m' }, timeout: '1s' },
      { ...testParts, what: 'The shop' },
    )
    let calls = 0
    const hangs = () => {
      calls++
      return new Promise<string>(() => {})
    }
    const asked = policy.execute(hangs)
    await testParts.clock.advance('10s')
    expect(await asked).toBe('none')
    expect(calls).toBe(2)
    const repeated = policy.execute(async () => 'there')
    await testParts.clock.advance('10s')
    expect(await repeated).toBe('none')
    await testParts.clock.advance('1m')
    expect(await policy.execute(async () => 'there')).toBe('there')
  })
  it('A policy names what took too long, as a sentence.', async () => {
    const testParts = parts()
    const policy = compilePolicy({ timeout: '1s' }, { ...testParts, what: 'the tool search' })
    const late = expect(policy.execute(() => new Promise(() => {}))).rejects.toThrow(
      /^The tool search took longer than/,
    )
    await testParts.clock.advance('1s')
    await late
  })
  it('A policy limits each key separately.', async () => {
    const policy = compilePolicy({ rateLimit: { limit: 1 } }, { ...parts(), what: 'The shop' })
    expect(await policy.execute(() => 1, { key: 'ada' })).toBe(1)
    await expect(policy.execute(() => 1, { key: 'ada' })).rejects.toMatchObject({ code: 'rate.limited' })
    expect(await policy.execute(() => 1, { key: 'eve' })).toBe(1)
  })
  it('A policy with parts that do not apply, or unknown options, is rejected.', () => {
    const testParts = { ...parts(), what: 'the agent A', allowed: ['timeout'] as const }
    expect(() => compilePolicy({ retry: {} }, testParts)).toThrow(/retry is not for these calls/)
    expect(() => compilePolicy({ timeouts: '1s' } as never, parts() as never)).toThrow(/no option timeouts/)
  })
  it('A policy is found by name, or by `*`, and counts separately.', async () => {
    const policies = createPolicies({ '*': { rateLimit: { limit: 1 } }, free: {} }, { ...parts(), kind: 'the tool' })
    expect(policies.of('a')).toBe(policies.of('a'))
    await policies.of('a')?.execute(() => 1)
    expect(await policies.of('b')?.execute(() => 1)).toBe(1)
    await expect(policies.of('a')?.execute(() => 1)).rejects.toMatchObject({ code: 'rate.limited' })
    for (let i = 0; i < 3; i++) expect(await policies.of('free')?.execute(() => i)).toBe(i)
    expect(createPolicies({}, { ...parts(), kind: 'the tool' }).of('a')).toBeUndefined()
  })
})
