/** Home for operators: the failed and open runs of all users, each of which opens as a run of its user. */
import type { Page } from 'playwright-core'
import { defineAgent, finish } from 'troupe'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { type Played, play } from './studio-testbed.ts'

const clerk = defineAgent<string>({
  name: 'Helper',
  run: async (task, ctx) => {
    if (task.startsWith('fail')) throw new Error('no luck')
    return finish((await ctx.ask({ text: 'Which one?' })) as never)
  },
})

describeInBrowser('Home for all users', (testbed) => {
  let played: Played

  beforeAll(async () => {
    played = await testbed.use(play())
    for (const [user, id, task] of [
      ['eve', 'broken', 'fail the order'],
      ['bob', 'asks', 'choose a gift'],
    ] as const)
      await (await played.troupe.user(user).orchestra.start({ id, task, agent: clerk })).result()
  })

  const opened = async (scope?: Parameters<Played['server']['link']>[0], { server } = played): Promise<Page> => {
    const page = await testbed.open({ link: await server.link(scope) })
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
    return page
  }

  test('Home shows the failed and open runs of all users, and a run opens with the data of its user.', async () => {
    const page = await opened()
    const section = page.getByRole('region', { name: 'All users' })
    const failed = section.getByRole('row', { name: /fail the order/ })
    const open = section.getByRole('row', { name: /choose a gift/ })
    await failed.waitFor()
    await open.waitFor()
    expect(await failed.getByRole('cell').allInnerTexts()).toEqual(
      expect.arrayContaining(['eve', expect.stringMatching(/failed/), 'Helper']),
    )
    expect(await open.getByRole('cell').allInnerTexts()).toEqual(
      expect.arrayContaining(['bob', expect.stringMatching(/needs an answer/), 'Helper']),
    )
    await failed.getByRole('link', { name: 'fail the order' }).click()
    await page.getByRole('main').getByText('User eve', { exact: true }).waitFor()
    await page.getByRole('heading', { level: 1, name: 'fail the order' }).waitFor()
    expect(new URL(page.url()).hash).toBe('#/runs/broken')
    expect(await page.getByRole('textbox', { name: 'User' }).inputValue()).toBe('eve')
    await page.context().close()
  })

  test('Home shows the newest open runs of all users first, whatever their users are called.', async () => {
    await using own = await play()
    for (let i = 0; i < 12; i++)
      await (
        await own.troupe.user(`user-${String(i).padStart(2, '0')}`).orchestra.start({ task: `gift ${i}`, agent: clerk })
      ).result()
    const page = await opened(undefined, own)
    const section = page.getByRole('region', { name: 'All users' })
    await section.getByText('There are 12; these are the newest.').waitFor()
    expect(await section.getByRole('link', { name: /^gift/ }).allInnerTexts()).toEqual(
      Array.from({ length: 10 }, (_, i) => `gift ${11 - i}`),
    )
    await page.context().close()
  })

  test('Home shows no list of all users while only the shown user has failed or open runs.', async () => {
    await using own = await play()
    await (await own.troupe.user('default').orchestra.start({ task: 'choose a gift', agent: clerk })).result()
    const page = await opened(undefined, own)
    const listed = page.waitForResponse((response) => response.url().includes('/v1/operations/runs?status=open'))
    await page.reload()
    await listed
    await page.getByRole('region', { name: 'Newest runs' }).getByText('choose a gift').waitFor()
    await page.waitForTimeout(500)
    expect(await page.getByRole('region', { name: 'All users' }).count()).toBe(0)
    // The stream of updates reports it: nothing asks for this list by itself.
    await (await own.troupe.user('eve').orchestra.start({ task: 'fail it', agent: clerk })).result()
    await page
      .getByRole('region', { name: 'All users' })
      .getByRole('row', { name: /fail it/ })
      .waitFor()
    await page.context().close()
  })

  test('Home shows an operator the requests of all users with their names, and the answer goes to the run of that user.', async () => {
    await using own = await play()
    const ask = (user: string, id: string) =>
      own.troupe.user(user).orchestra.start({ id, task: `gift of ${user}`, agent: clerk })
    // The same id, because each user has ids of its own.
    const [ofBob, ofAda] = [await ask('bob', 'gift'), await ask('ada', 'gift')]
    for (const run of [ofBob, ofAda]) await run.result()
    const page = await opened(undefined, own)
    const waiting = page.getByRole('region', { name: 'Waiting for a person' })
    const request = (user: string) => waiting.getByRole('listitem').filter({ hasText: `user ${user},` })
    const chip = page.getByRole('navigation', { name: 'Views' }).getByTitle('Requests that wait for a person')
    await request('ada').waitFor()
    await expect.poll(() => chip.innerText()).toBe('2')
    await request('bob').getByRole('textbox', { name: 'Answer' }).fill('a book')
    await request('bob').getByRole('button', { name: 'Answer' }).click()
    await request('bob').getByText('Answered: a book').waitFor()
    expect(await ofBob.result()).toMatchObject({ status: 'completed', response: 'a book' })
    expect((await ofAda.result()).status).toBe('waiting')
    await expect.poll(() => chip.innerText()).toBe('1')
    // A request of another user appears by itself, and one that was answered elsewhere waits no longer.
    await (await ask('cid', 'late')).result()
    await waiting.getByRole('button', { name: 'Show 1 new' }).click()
    await request('cid').waitFor()
    await ofAda.answer((await ofAda.result()).questions[0]?.id ?? '', 'a pen')
    await request('ada').getByText('It waits no longer').waitFor()
    await request('cid').getByRole('link', { name: /^1#1/ }).click()
    await page.getByRole('main').getByText('User cid', { exact: true }).waitFor()
    await page.getByRole('heading', { level: 1, name: 'gift of cid' }).waitFor()
    await page.context().close()
  })

  test('Home shows a caller of one user the requests of that user alone, without its name.', async () => {
    await using own = await play()
    for (const user of ['bob', 'ada'])
      await (await own.troupe.user(user).orchestra.start({ task: `gift of ${user}`, agent: clerk })).result()
    const page = await opened({ users: ['bob'] }, own)
    const waiting = page.getByRole('region', { name: 'Waiting for a person' })
    await waiting.getByRole('link', { name: 'gift of bob' }).waitFor()
    expect(await waiting.getByText(/gift of ada|user bob/).count()).toBe(0)
    await waiting.getByRole('textbox', { name: 'Answer' }).fill('a book')
    await waiting.getByRole('button', { name: 'Answer' }).click()
    await waiting.getByText('Answered: a book').waitFor()
    await page.context().close()
  })

  test('Home shows a caller of one user no runs of other users.', async () => {
    const page = await opened({ users: ['bob'] })
    await page.getByRole('region', { name: 'Newest runs' }).getByText('choose a gift').waitFor()
    expect(await page.getByRole('region', { name: 'All users' }).count()).toBe(0)
    expect(await page.getByText('fail the order').count()).toBe(0)
    await page.context().close()
  })
})
