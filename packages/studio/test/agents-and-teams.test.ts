/** Problems in the views Agents and Teams: an open circuit breaker, and findings at the nodes of a team. */
import type { Page } from 'playwright-core'
import { createTroupe, defineAgent, ExternalServiceError, finish, LlmAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

describeInBrowser('The agents and teams of the studio', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page

  beforeAll(async () => {
    const reader = defineAgent({ name: 'Reader', run: async () => 'read' })
    const down = new ExternalServiceError('The provider is down.', { code: 'model.unavailable' })
    const clerk = new LlmAgent({
      name: 'Clerk',
      instructions: 'You write letters.',
      model: new MockModel({ responses: [{ error: down }, 'unused'] }),
      memory: { maxTokens: 8_000 },
      role: 'contributor',
      allow: ['get_context', 'push_context'],
      deny: ['delete_context'],
    })
    const asking = defineAgent({ name: 'Asking', run: async (_, ctx) => finish(await ctx.ask({ text: 'Who?' })) })
    const agents = [reader, clerk]
    troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      agents: [...agents, asking],
      teams: { loop: { agents, flows: ['Reader -> Clerk', 'Clerk -> Reader'] } },
      models: { breaker: { failures: 1, pause: '1h' }, attempts: 1 },
    })
    await troupe.user('default').orchestra.run({ agent: 'Clerk', task: 'write' })
    await (await troupe.user('default').orchestra.start({ agent: 'Asking', task: 'ask' })).result()
    server = await testbed.serve(troupe)
    page = await testbed.open({ link: await server.link() })
  })

  test('An agent shows the open circuit breaker of its model, and what of its memory is sent.', async () => {
    await page.goto(`${server.url}/#/agents/Clerk`)
    const facts = async () => (await page.locator('.facts').allInnerTexts()).join(' ').replace(/\s+/g, ' ')
    await expect.poll(facts).toContain('Breaker of mock/mock open')
    expect(await facts()).toContain('Memory 8000 tokens are sent')
  })

  test('An agent shows its role, and which tools it is allowed and denied beside it.', async () => {
    const facts = page.locator('.facts').first()
    expect((await facts.innerText()).replace(/\s+/g, ' ')).toContain(
      'Role contributor Allowed get_context, push_context Denied delete_context',
    )
    await page.goto(`${server.url}/#/agents/Reader`)
    await page.getByRole('heading', { level: 1, name: 'Reader' }).waitFor()
    await facts.getByText('code', { exact: true }).waitFor()
    expect(await facts.innerText()).not.toMatch(/Role|Allowed|Denied/)
  })

  test('The list of agents shows the mean duration of an agent whose steps have ended, and none for a step that waits.', async () => {
    await page.goto(`${server.url}/#/agents`)
    const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name}`) })
    await row('Clerk')
      .getByText(/\d m?s(ec)?$/)
      .waitFor()
    expect(await row('Asking').innerText()).not.toMatch(/\d/)
  })

  test('The headers of the list of agents sort it, and a third press restores the order of the server.', async () => {
    const table = page.getByRole('table').filter({ has: page.getByRole('columnheader', { name: 'Mean duration' }) })
    const names = () => table.getByRole('rowheader').allInnerTexts()
    const initial = ['Asking', 'Clerk', 'Reader']
    await expect.poll(names).toEqual(initial)
    const header = table.getByRole('columnheader', { name: 'Agent' })
    const press = () => header.getByRole('button').click()
    await press()
    await header.and(page.locator('[aria-sort=ascending]')).waitFor()
    expect(await names()).toEqual(initial)
    await press()
    await expect.poll(names).toEqual(initial.toReversed())
    await header.and(page.locator('[aria-sort=descending]')).waitFor()
    await press()
    await expect.poll(names).toEqual(initial)
    expect(await header.getAttribute('aria-sort')).toBeNull()
    // An agent without a value follows the others in both directions.
    const duration = table.getByRole('columnheader', { name: 'Mean duration' })
    for (const direction of ['descending', 'ascending']) {
      await duration.getByRole('button').click()
      await duration.and(page.locator(`[aria-sort=${direction}]`)).waitFor()
      expect((await names())[0]).toBe('Clerk')
    }
    await table.getByRole('columnheader', { name: 'Runs' }).waitFor()
    expect(await table.getByRole('columnheader', { name: 'Runs' }).getByRole('button').count()).toBe(0)
  })

  test('A team shows the findings of its check at the nodes that they concern.', async () => {
    await page.goto(`${server.url}/#/teams/loop`)
    for (const name of ['Reader', 'Clerk']) {
      const node = page.getByRole('group', { name: new RegExp(`^${name}, not begun, .*error`) })
      await node.getByText('error: 1').waitFor()
    }
  })
})
