import { describe, expect, it } from 'vitest'
import * as syntha from './index.ts'
import { openTeam } from './syntha-testbed.test.fixture.ts'

describe('prompts', () => {
  it('The Syntha prompts contain what the agent may see, under the headers of the guides.', async () => {
    await using team = await openTeam()
    const { mesh } = team
    await mesh.push('company_vision', 'to help')
    await mesh.push('secret', 'x', { subscribers: ['B'] })
    expect(await syntha.build_system_prompt('A', mesh)).toBe('[Context]\nCompany Vision: to help (from host)')
    expect(
      await syntha.build_system_prompt('A', mesh, {
        template: 'You are {agent_name} {not}. {context}',
        include_context_header: false,
      }),
    ).toBe('You are A {not}. Company Vision: to help (from host)')
    const context = '[Context]\nCompany Vision: to help (from host)'
    expect(await syntha.build_system_prompt('A', mesh, { existing_prompt: 'Hi.' })).toBe(`Hi.\n\n${context}`)
    expect(await syntha.build_system_prompt('A', mesh, { existing_prompt: 'Hi.', prepend_to_existing: true })).toBe(
      `${context}\n\nHi.`,
    )
    expect(await syntha.build_message_prompt('A', mesh)).toContain('[Context Update]')
    await expect(syntha.build_message_prompt('A', mesh, { recent_only: true } as never)).rejects.toThrow(
      /never had an effect/,
    )
    const shared = '[Shared Context]\nCompany Vision: to help (from host)'
    expect(await syntha.inject_context_into_prompt('P', 'A', mesh)).toBe(`${shared}\n\nP`)
    expect(await syntha.inject_context_into_prompt('P', 'A', mesh, { placement: 'append', separator: '|' })).toBe(
      `P|${shared}`,
    )
    expect(
      await syntha.inject_context_into_prompt('<{context}>', 'A', mesh, { placement: 'replace_placeholder' }),
    ).toBe(`<${shared}>`)
    await expect(syntha.inject_context_into_prompt('P', 'A', mesh, { placement: 'x' as never })).rejects.toThrow(
      /placement/,
    )
    expect(
      await syntha.build_custom_prompt('A', mesh, ['company_vision'], { template: '{agent_name}: {context}' }),
    ).toBe('A: Company Vision: to help (from host)')
    expect(await syntha.build_custom_prompt('A', mesh, ['secret'], { fallback_text: 'Nothing.' })).toBe('Nothing.')
    expect(await syntha.build_system_prompt('A', mesh, { max_tokens: 2 })).toContain('use get_context')
  })
})
