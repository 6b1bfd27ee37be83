/** Values that the configuration of a run rejects. */
import { expect, it } from 'vitest'
import { type RunConfig, readConfig } from './run-config.ts'

it('The configuration of a run rejects a substitute without a name, and a breakpoint with two conditions.', () => {
  const wrong: readonly (readonly [config: unknown, message: RegExp])[] = [
    [{ onError: { '*': { agent: null } } }, /config\.onError\.\*.*its agent must be a name or a definition, got null/],
    [{ onError: { '*': { agent: { name: 3 } } } }, /its agent must be a name or a definition, got/],
    [{ debug: { breakOn: { agent: 'A', tool: 'search' } } }, /config\.debug\.breakOn.*more than one of agent, tool/],
  ]
  for (const [config, message] of wrong) expect(() => readConfig(config as RunConfig)).toThrow(message)
  expect(readConfig({ onError: { '*': { agent: { name: 'B' } } } }).onError).toEqual({ '*': { agent: 'B' } })
})
