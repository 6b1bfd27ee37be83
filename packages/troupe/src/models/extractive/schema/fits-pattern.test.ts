import { Script } from 'node:vm'
import { expect, it, vi } from 'vitest'
import { fitsPattern } from './fits-pattern.ts'

it('A pattern of a schema is matched as JSON Schema defines it.', () => {
  expect(fitsPattern('^[A-Z]{2}\\d+$', 'AB12')).toBe(true)
  expect(fitsPattern('^[A-Z]{2}\\d+$', 'ab12')).toBe(false)
  expect(fitsPattern('^\\p{L}+$', 'Grüße')).toBe(true)
})

it.each(['^(a+)+$', '^(a|a)*$', '(.*a){25}$'])(
  'The pattern %s is stopped after a moment, and not tried again.',
  (pattern) => {
    const begun = performance.now()
    for (let i = 0; i < 100; i++) expect(fitsPattern(pattern, `${'a'.repeat(60)}!`)).toBe(false)
    expect(performance.now() - begun).toBeLessThan(500)
  },
)

it('An invalid pattern matches nothing, and a text that is too long is not tried.', () => {
  expect(fitsPattern('(', 'a')).toBe(false)
  expect(fitsPattern('a', 'a'.repeat(10_001))).toBe(false)
})

it('Patterns of one schema that take long are tried at most 50 times within a minute.', async () => {
  // Other tests share the module, and for them no pattern may be stopped.
  vi.resetModules()
  const own = await import('./fits-pattern.ts')
  const tries = vi.spyOn(Script.prototype, 'runInContext')
  for (let i = 0; i < 200; i++) expect(own.fitsPattern(`^(a+)+${i}$`, `${'a'.repeat(60)}!`)).toBe(false)
  expect(tries).toHaveBeenCalledTimes(50)
  tries.mockRestore()
  vi.resetModules()
})
