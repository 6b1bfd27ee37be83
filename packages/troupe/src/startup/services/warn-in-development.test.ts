import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

/** What a program says on standard error that ignores two failures and puts all context in a prompt and in tools. */
function logged(environment: string): readonly { readonly msg: string; readonly tool?: string }[] {
  const program = `
    import { createTroupe } from '${new URL('../../index.ts', import.meta.url)}'
    import { buildSystemPrompt } from '${new URL('../../tools.ts', import.meta.url)}'
    const troupe = await createTroupe({ storage: 'memory:' })
    const agent = troupe.user('ada').agent('A', { role: 'readonly' })
    await troupe.user('ada').context.push('k', 1)
    await agent.tools.call('push_context', { key: 'k', value: 'v' })
    await agent.tools.call('push_context', { key: 'k', value: 'w' })
    agent.tools.definitions()
    await buildSystemPrompt(agent)
    await troupe.close()
    console.log(JSON.stringify([troupe.metrics.summary('tool.ignored').count, troupe.metrics.summary('prompt.repeated').count]))`
  const env = { ...process.env, NODE_ENV: environment, NODE_NO_WARNINGS: '1' }
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], { env, encoding: 'utf8' })
  expect(done.stdout.trim()).toBe('[2,1]')
  return done.stderr
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

it('The warnings of ignored failures and repeated prompts are logged once each, in development alone.', () => {
  expect(logged('production')).toEqual([])
  expect(logged('development')).toMatchObject([
    { msg: expect.stringContaining('a prompt contains everything'), agent: 'A' },
    { msg: expect.stringContaining('was not read'), tool: 'push_context', code: 'access.denied' },
  ])
})
