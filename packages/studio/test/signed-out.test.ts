/** The studio for a person who is not signed in, or no longer. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { defineAgent, finish } from 'troupe'
import { serve } from 'troupe/server'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { type Played, play } from './studio-testbed.ts'

describeInBrowser('the studio without a session', (testbed) => {
  let played: Played
  let page: Page

  beforeAll(async () => {
    played = await testbed.use(play())
  })
  afterEach(() => page?.context().close())

  const open = async (width: number) => {
    page = await testbed.open({ viewport: { width, height: 900 } })
  }
  const accessible = async () => {
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
  }

  test('The studio tells a signed-out person once, loses no typed text, and continues after the sign-in.', async () => {
    const asker = defineAgent({ name: 'Asker', run: async (_, ctx) => finish(await ctx.ask({ text: 'Who?' })) })
    const run = await played.troupe
      .user('default')
      .orchestra.start({ task: 'x', topology: { agents: [asker], flows: ['Asker -> End'] } })
    await open(1_200)
    await page.goto(await played.server.link())
    await page.goto(`${played.server.url}/#/runs/${run.id}`)
    // Home, which is shown until then, has the same question.
    await page.getByRole('status', { name: 'Status of the run' }).waitFor()
    await page.getByLabel('Answer').fill('half a sentence')
    await page.context().clearCookies()
    await page.getByRole('button', { name: 'Answer' }).click()
    await page.getByRole('alert').getByText('troupe api-keys link').waitFor()
    await accessible()
    // In another tab of the same browser.
    await (await page.context().newPage()).goto(await played.server.link())
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('troupe api-keys link').waitFor({ state: 'detached' })
    expect(await page.getByLabel('Answer').inputValue()).toBe('half a sentence')
    await page.getByRole('button', { name: 'Answer' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
  })

  test('A person signs in to the studio with an API key, sees its rights, and signs out.', async () => {
    const { id, key } = await played.troupe.apiKeys.create({ name: 'desk', users: ['ada'], operations: ['runs.*'] })
    await open(390)
    await page.goto(`${played.server.url}/#/runs`)
    const form = page.getByRole('alert').filter({ hasText: 'not signed in' })
    const signIn = form.getByRole('button', { name: 'Sign in' })
    await signIn.waitFor()
    expect(await page.getByRole('heading', { name: 'Runs' }).count()).toBe(0)
    for (const wrong of ['tk_guess', 'schlüssel']) {
      await form.getByLabel('API key').fill(wrong)
      await signIn.click()
      await form.getByRole('alert').waitFor()
    }
    await accessible()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    await form.getByLabel('API key').fill(key)
    await page.keyboard.press('Enter')
    await form.waitFor({ state: 'detached' })
    await page.getByRole('navigation').getByRole('link', { name: 'Chat' }).waitFor()
    expect(await page.getByRole('navigation').getByRole('link', { name: 'Audit' }).count()).toBe(0)
    await page.goto(`${played.server.url}/#/settings`)
    await page.getByText('ada').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await form.waitFor()
    await form.getByLabel('API key').fill(key)
    await signIn.click()
    await form.waitFor({ state: 'detached' })
    await played.troupe.apiKeys.revoke(id)
    await page.reload()
    await form.waitFor()
  })

  test('The studio shows nothing of a session after its sign-out.', async () => {
    const { key } = await played.troupe.apiKeys.create({ name: 'shared', users: ['default'], role: 'contributor' })
    await played.troupe.user('default').orchestra.run({ agent: 'Echo', task: 'a secret plan' })
    await open(1_200)
    await page.goto(`${played.server.url}/#/runs`)
    await page.getByLabel('API key').fill(key)
    await page.keyboard.press('Enter')
    const row = page.getByRole('link', { name: 'a secret plan' })
    await row.waitFor()
    await page.goto(`${played.server.url}/#/settings`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
    await page.goBack()
    await page.waitForURL(/#\/runs$/)
    await page.getByRole('alert').filter({ hasText: 'not signed in' }).waitFor()
    expect(await row.count()).toBe(0)
  })

  test('The studio offers the sign-in by a provider where the server has one.', async () => {
    await using server = await serve(played.troupe, {
      port: 0,
      authentication: 'required',
      oidc: {
        issuer: 'https://login.example',
        clientId: 'studio',
        clientSecret: 'secret',
        roles: { staff: 'readonly' },
      },
    })
    await open(1_200)
    const link = page.getByRole('link', { name: 'Sign in with your organisation' })
    await page.goto(server.url)
    expect(await link.getAttribute('href')).toBe('/login')
    await page.goto(played.server.url)
    await page.getByRole('alert').filter({ hasText: 'not signed in' }).waitFor()
    expect(await link.count()).toBe(0)
  })
})
