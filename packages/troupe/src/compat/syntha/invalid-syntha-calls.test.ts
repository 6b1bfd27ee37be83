import { expect, test } from 'vitest'
import * as syntha from './index.ts'
import { openTeam } from './syntha-testbed.test.fixture.ts'

const rejected = expect.objectContaining({ name: 'ValidationError', code: 'validation.failed' })

test('A Syntha call with an invalid mesh, tool list or text is rejected with a coded error.', async () => {
  await using team = await openTeam()
  const { mesh } = team
  const handler = (rights: unknown) =>
    new syntha.ToolHandler(mesh, 'A', { agent_role: 'own', role_based_access: rights as never })
  for (const mistake of [
    () => new syntha.ContextMesh(null as never),
    () => new syntha.ToolHandler(undefined as never, 'A'),
    () => handler({ own: 'get_context' }),
    () => handler({ own: null }),
    () => handler({ own: [Object.create(null)] }),
    () => handler(5),
  ])
    expect(mistake).toThrow(rejected)
  for (const mistake of [
    syntha.build_system_prompt('A', mesh, { template: 5 as never }),
    syntha.build_system_prompt('A', mesh, { existing_prompt: 5 as never }),
    syntha.build_system_prompt('A', null as never),
    syntha.build_custom_prompt('A', mesh, [], { template: 5 as never }),
    syntha.inject_context_into_prompt(5 as never, 'A', mesh),
    syntha.inject_context_into_prompt('P', 'A', mesh, { separator: 5 as never }),
  ])
    await expect(mistake).rejects.toEqual(rejected)
})
