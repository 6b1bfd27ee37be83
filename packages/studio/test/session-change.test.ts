/** Sessions that follow each other in one tab, and a server that has nothing yet. */
import { createTroupe } from 'troupe'
import { expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { play } from './studio-testbed.ts'

describeInBrowser('The studio between sessions', (testbed) => {
  test('The studio shows nothing of an ended session to the next person who signs in with other rights.', async () => {
    const { troupe, server } = await testbed.use(play())
    const ada = await troupe.apiKeys.create({ name: 'ada', users: ['ada'], role: 'contributor' })
    const bob = await troupe.apiKeys.create({ name: 'bob', users: ['bob'], role: 'contributor' })
    await troupe.user('ada').orchestra.run({ agent: 'Echo', task: 'a secret of ada' })
    const page = await testbed.open()
    const signIn = async (key: string) => {
      await page.getByLabel('API key').fill(key)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByLabel('API key').waitFor({ state: 'detached' })
    }
    await page.goto(`${server.url}/#/runs`)
    await signIn(ada.key)
    const secret = page.getByText('a secret of ada').first()
    await secret.waitFor()
    await page.getByRole('navigation').getByRole('link', { name: 'Chat' }).click()
    await page.getByLabel('Message', { exact: true }).fill('a letter of ada')
    await troupe.apiKeys.revoke(ada.id)
    const askIfEnded = async () => {
      await page.evaluate(() => dispatchEvent(new Event('visibilitychange')))
      return page.getByLabel('API key').count()
    }
    await expect.poll(askIfEnded).toBe(1)
    // The lists of the next session do not arrive.
    await page.route(/\/v1\/runs(\?|$)/, () => undefined)
    await signIn(bob.key)
    await page.getByRole('heading', { level: 1, name: 'Chat' }).waitFor()
    await expect.poll(() => page.getByLabel('Message', { exact: true }).inputValue()).toBe('')
    await page.getByRole('navigation').getByRole('link', { name: 'Runs' }).click()
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor()
    await page.getByRole('status').getByText('Loading').first().waitFor()
    expect(await secret.count()).toBe(0)
  })

  test('The studio forgets a chosen user whom the session may not see, and shows its own data.', async () => {
    const { troupe, server } = await testbed.use(play())
    for (const user of ['ada', 'bob'])
      await troupe.user(user).orchestra.run({ agent: 'Echo', task: `a letter of ${user}` })
    const open = async (users: readonly string[]) => {
      const page = await testbed.open()
      await page.addInitScript(() => localStorage.setItem('user', 'eve'))
      const rejected: number[] = []
      page.on('response', (answer) => answer.status() >= 400 && rejected.push(answer.status()))
      await page.goto(await server.link({ users, role: 'readonly' }))
      return { page, rejected }
    }
    const one = await open(['ada'])
    await one.page.getByText('a letter of ada').first().waitFor()
    expect(await one.page.getByLabel('User', { exact: true }).count()).toBe(0)
    const several = await open(['ada', 'bob'])
    await several.page.getByText('a letter of ada').first().waitFor()
    await several.page.getByRole('combobox', { name: 'User' }).selectOption('bob')
    await several.page.getByText('a letter of bob').first().waitFor()
    expect([...one.rejected, ...several.rejected]).toEqual([])
  })

  test('The views of a server without teams and agents say where a newcomer names some.', async () => {
    const server = await testbed.serve(await createTroupe({ storage: 'memory:', log: 'silent' }))
    const page = await testbed.open({ link: await server.link() })
    for (const view of ['chat', 'try']) {
      await page.goto(`${server.url}/#/${view}`)
      await page.getByText('No team or agent is registered: name some under teams or agents').waitFor()
    }
    await page.goto(`${server.url}/#/audit`)
    await page.getByText('Each write, each refusal and each administrative action appears here.').waitFor()
    await page.goto(`${server.url}/#/audit?actor=nobody`)
    await page.getByText('Clear the filters to see all records.').waitFor()
  })
})
