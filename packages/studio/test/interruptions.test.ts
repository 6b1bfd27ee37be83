/** The studio while the server answers late, not at all, or with an error, and while a person presses twice. */
import type { Page, Route } from 'playwright-core'
import { defineAgent, finish } from 'troupe'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { type Played, play } from './studio-testbed.ts'

const asking = defineAgent({
  name: 'Asker',
  run: async (_, ctx) => finish((await ctx.ask({ text: 'Which one?', options: ['left', 'right'] })) as never),
})

describeInBrowser('The studio with late answers', (testbed) => {
  let played: Played
  let page: Page

  beforeAll(async () => {
    played = await testbed.use(play())
    page = await testbed.open({ link: await played.server.link() })
  })

  /** Opens a view whose requests to the address are answered by the handler until the end of the work. */
  const withRoute = async (address: RegExp, handler: (route: Route) => unknown, work: () => Promise<void>) => {
    await page.route(address, handler)
    try {
      await work()
    } finally {
      await page.unroute(address, handler)
    }
  }
  const open = async (view: string) => {
    await page.goto(`${played.server.url}/#/${view}`)
    await page.reload()
    await page.getByRole('heading', { level: 1 }).first().waitFor()
  }
  const never = () => undefined
  const reject = (route: Route) =>
    route.fulfill({
      status: 500,
      contentType: 'application/problem+json',
      json: { status: 500, code: 'internal', title: 'x', detail: 'The disk is full.', hint: 'Make room.' },
    })

  test('Home shows a question as answered while the list of open questions is on its way.', async () => {
    const { orchestra } = played.troupe.user('default')
    const run = await orchestra.start({ task: 'choose', agent: asking })
    await open('home')
    const waiting = page.getByRole('region', { name: 'Waiting for a person' })
    const question = waiting.getByRole('group', { name: 'Question of Asker' })
    await question.waitFor()
    await withRoute(/\/v1\/approvals(?:\?|$)/, never, async () => {
      await question.getByRole('button', { name: 'left' }).click()
      await waiting.getByText('Answered: left').waitFor()
      expect(await question.count()).toBe(0)
    })
    expect((await run.result()).response).toBe('left')
  })

  test('An answer that did not reach the server is not sent again, and the page says so.', async () => {
    const { orchestra } = played.troupe.user('default')
    const run = await orchestra.start({ task: 'choose again', agent: asking })
    await open(`runs/${run.id}`)
    const question = page.getByRole('group', { name: 'Question of Asker' })
    await withRoute(
      /\/answers$/,
      (route) => route.abort('connectionrefused'),
      async () => {
        await question.getByRole('button', { name: 'left' }).click()
        const alert = question.getByRole('alert')
        await alert.getByText('the page does not send it again').waitFor()
        expect(await alert.innerText()).not.toContain('tries again by itself')
      },
    )
    await question.getByRole('button', { name: 'right' }).click()
    expect((await run.result()).response).toBe('right')
  })

  test('A command that is pressed twice at once is sent once.', async () => {
    await open('try')
    await page.getByRole('combobox', { name: 'Team or agent' }).selectOption('Echo')
    await page.getByLabel('Task', { exact: true }).fill('pressed twice')
    let starts = 0
    page.on('request', (request) => {
      if (request.method() === 'POST' && new URL(request.url()).pathname === '/v1/runs') starts++
    })
    await page.getByRole('button', { name: 'Start', exact: true }).evaluate((button) => {
      const { form } = button as HTMLButtonElement
      form?.requestSubmit()
      form?.requestSubmit()
    })
    await page.getByRole('heading', { level: 1, name: 'pressed twice' }).waitFor()
    expect(starts).toBe(1)
  })

  test.each([
    ['chat', 'Team or agent', 'None is known here'],
    ['try', 'Team or agent', 'None is known here'],
    ['playground', 'Team', 'No team is registered'],
  ])(
    'A list to choose from in the view %j is called empty once the server has answered that it is.',
    async (view, label, empty) => {
      const shown = () => page.getByRole('combobox', { name: label, exact: true }).locator('option:checked').innerText()
      const lists = /\/v1\/(teams|agents)(\?|$)/
      await withRoute(lists, never, async () => {
        await open(view)
        await expect.poll(shown).toBe('Loading')
      })
      await withRoute(lists, reject, async () => {
        await open(view)
        await page.getByText('The disk is full.').first().waitFor()
        await expect.poll(shown).toBe('Unknown')
      })
      await withRoute(
        lists,
        (route) => route.fulfill({ json: { items: [] } }),
        async () => {
          await open(view)
          await expect.poll(shown).toBe(empty)
        },
      )
    },
  )

  test('A run has no status until the server has given it, and an unknown one where the server does not give it.', async () => {
    const run = await played.troupe.user('default').orchestra.start({ agent: 'Echo', task: 'ended' })
    await run.result()
    const status = page.getByRole('status', { name: 'Status of the run' })
    await withRoute(/\/v1\/runs\//, never, async () => {
      await open(`runs/${run.id}`)
      await expect.poll(() => status.innerText()).toBe('loading')
    })
    await withRoute(/\/v1\/runs\//, reject, async () => {
      await open(`runs/${run.id}`)
      await expect.poll(() => status.innerText()).toBe('unknown')
    })
    await status.getByText('completed').waitFor()
  })

  test('The playground of tool calls says that a run is unknown, and not that it has no step yet.', async () => {
    await open('playground?tab=call&run=nowhere')
    await page.getByText('There is no run with the id "nowhere".').waitFor()
    const chosen = page.getByRole('combobox', { name: 'Step' }).locator('option:checked')
    await expect.poll(() => chosen.innerText()).toBe('Unknown')
  })

  test('The address of a page that no longer fits its list says how the list is opened.', async () => {
    await open('context?after=garbage')
    await page.getByText('Open the view from the navigation: it begins with the first page.').waitFor()
    await page.getByRole('navigation').getByRole('link', { name: 'Context' }).click()
    await page.getByText('The cursor does not belong to this list.').waitFor({ state: 'detached' })
  })

  test('The page of an ended run says that its events are loading, until the last one has arrived.', async () => {
    const run = await played.troupe.user('default').orchestra.start({ agent: 'Echo', task: 'an echo' })
    await run.result()
    const cut = async (route: Route) => {
      const response = await route.fetch()
      const frames = (await response.text()).split('\n\n')
      await route.fulfill({ response, body: `${frames.slice(0, 3).join('\n\n')}\n\n` })
    }
    const partial = page.getByRole('region', { name: 'Team' }).getByText(/^The events are loading: \d so far\.$/)
    await withRoute(/\/v1\/runs\/[^/]+\/events/, cut, async () => {
      await open(`runs/${run.id}`)
      await partial.waitFor()
    })
    await partial.waitFor({ state: 'hidden' })
  })
})
