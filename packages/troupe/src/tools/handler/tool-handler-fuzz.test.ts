import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtInToolNames } from '../../security/index.ts'
import { openTeam } from './tool-testbed.test.fixture.ts'

/** Names of parameters, so that values reach what is behind the schemas. */
const parameters = [
  ...['key', 'keys', 'value', 'audience', 'subscribers', 'topics', 'writers', 'ttl', 'lifecycle', 'if_version'],
  ...['prefix', 'pattern', 'limit', 'cursor', 'topic', 'confirm', 'operations', 'atomic', 'include_subscriber_names'],
  ...['to_agent', 'to_agents', 'from_agent', 'agent_name', 'message', 'message_type', 'priority', 'thread_id'],
  ...['unread_only', 'mark_as_read', 'sort_by_priority', 'requires_confirmation', 'type', '__proto__'],
]
const names = [
  'k',
  'a.b',
  'A',
  'B',
  '',
  'e\u0301',
  '\ud800',
  'a\0b',
  '*',
  '?',
  'x'.repeat(2_000),
  'session',
  'everyone',
]
const leaf = fc.oneof(
  fc.constantFrom<unknown>(...names, null, true, false, 0, -1, 1, 1.5, 1e300, Number.NaN, -0, 7n, undefined, () => 1),
  fc.constantFrom<unknown>(new Date(0), new Map(), Symbol('s'), 'owner', 'push', 'get', 'delete', 'urgent', 'info'),
)
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...parameters), tie('any'), { maxKeys: 5 }),
  ),
})).any

test('A tool handler answers any call with a result.', {
  timeout: 60_000,
}, async () => {
  await using team = await openTeam()
  const { tools } = team.agent('A', { role: 'admin' })
  await team.agent('B').context.push('k', 1)
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.constantFrom<unknown>(...builtInToolNames), leaf), value, async (tool, args) => {
      const result = await tools.call(tool as never, args)
      expect(typeof result.success).toBe('boolean')
      if (!result.success) expect(result).toMatchObject({ error: expect.any(String), code: expect.any(String) })
      expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    }),
    { numRuns: 4_000 },
  )
})
