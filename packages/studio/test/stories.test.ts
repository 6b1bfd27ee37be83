/** Stories of people at the page, in a real browser over a real server; each takes at most ten actions. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Locator, Page } from 'playwright-core'
import { defineAgent, finish } from 'troupe'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { type Played, play } from './studio-testbed.ts'

const maxActions = 10

/** Counts the actions of a person: a click, a choice or a text that is typed is one action. */
class Story {
  actions = 0

  async click(target: Locator): Promise<void> {
    this.actions++
    await target.click()
  }
  async choose(target: Locator, option: string | { readonly value: string }): Promise<void> {
    this.actions++
    await target.selectOption(typeof option === 'string' ? { label: option } : option)
  }
  async type(target: Locator, text: string): Promise<void> {
    this.actions++
    await target.fill(text)
  }
}

describeInBrowser('The stories of the studio', (testbed) => {
  let played: Played
  let page: Page

  const view = (name: string) => page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name })
  const status = () => page.getByRole('status', { name: 'Status of the run' })
  const region = (name: string) => page.getByRole('region', { name })
  const countActions = async (story: (story: Story) => Promise<void>) => {
    await page.goto(`${played.server.url}/#/home`)
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
    const counted = new Story()
    await story(counted)
    expect(counted.actions).toBeLessThanOrEqual(maxActions)
  }

  beforeAll(async () => {
    played = await testbed.use(play())
    const { orchestra, context } = played.troupe.user('default')
    const broken = defineAgent({ name: 'Broken', run: () => Promise.reject(new Error('out of paper')) })
    const failed = { id: 'failed', task: 'Print the menu', topology: { agents: [broken], flows: ['Broken -> End'] } }
    await (await orchestra.start(failed)).result()
    await (await orchestra.start({ id: 'asking', team: 'letters', task: 'the invitation' })).result()
    await context.push('letters.secret', 'for the clerk', { subscribers: ['Clerk'] })
    page = await testbed.open({ link: await played.server.link() })
  })

  test('The page shows what is going on: what waits, what failed, and the run behind it.', async () => {
    await countActions(async (story) => {
      await region('Failed').getByText('out of paper').waitFor()
      await story.click(region('Waiting for a person').getByRole('link', { name: 'the invitation' }))
      await status().getByText('needs approval').waitFor()
      await page.getByLabel('Clerk, waiting').waitFor()
    })
  })

  test('The page shows why a run failed.', async () => {
    await countActions(async (story) => {
      await story.click(region('Failed').getByRole('link', { name: 'Print the menu', exact: true }))
      await status().getByText('failed').waitFor()
      // The id by which the log has the stack.
      await page.getByText(/^agent\.failed · err_/).waitFor()
      await story.click(page.getByRole('link', { name: 'Why' }))
      await region('Why')
        .getByText(/out of paper/)
        .first()
        .waitFor()
    })
  })

  test('The page lets a person approve a call from its exact arguments.', async () => {
    await countActions(async (story) => {
      await page.getByText('send_letter (at-most-once) would be called with exactly this').waitFor()
      await page.getByText(/^Clerk asks in step 1#\d$/).waitFor()
      const args = await region('Arguments of send_letter').innerText()
      expect(JSON.parse(args)).toMatchObject({ to: 'Bob' })
      await story.click(page.getByRole('button', { name: 'Approve' }))
      await region('Waiting for a person').getByText('Nothing waits for a person.').waitFor()
      await expect.poll(() => played.sent).toEqual(['Bob'])
    })
  })

  test('The page refuses a call only with a reason, which the agent receives.', async () => {
    const asks = defineAgent({
      name: 'Asks',
      run: async (_, ctx) => finish(await ctx.ask({ kind: 'approval', text: 'May I send it?', hash: 'h' })),
    })
    const topology = { agents: [asks], flows: ['Start -> Asks', 'Asks <-> User', 'Asks -> End'] }
    const run = await played.troupe.user('default').orchestra.start({ task: 'the parcel', topology })
    await countActions(async (story) => {
      await story.click(page.getByRole('button', { name: 'Show 1 new' }))
      const question = page.getByRole('group', { name: 'Question of Asks' })
      await story.click(question.getByRole('button', { name: 'Refuse…' }))
      const button = question.getByRole('button', { name: 'Refuse', exact: true })
      expect(await button.isDisabled()).toBe(true)
      await story.type(question.getByRole('textbox', { name: 'Reason of the refusal' }), 'Not to Bob.')
      await story.click(button)
      await question.waitFor({ state: 'detached' })
    })
    const response = { approve: false, reason: 'Not to Bob.', hash: 'h' }
    expect(await run.result()).toMatchObject({ status: 'completed', response })
  })

  test('The page executes a recorded tool call with other arguments, after a confirmation and an approval.', async () => {
    await (await played.troupe.user('default').orchestra.get('asking')).result()
    await countActions(async (story) => {
      await story.click(view('Playground'))
      await story.click(page.getByRole('link', { name: 'Tool call' }))
      await story.choose(page.getByRole('combobox', { name: 'Run' }), { value: 'asking' })
      const form = page.getByRole('form', { name: 'Call of send_letter' })
      await form.getByText('at-most-once', { exact: true }).waitFor()
      const execute = form.getByRole('button', { name: 'Execute this call' })
      const args = form.getByRole('textbox', { name: 'Arguments of send_letter' })
      await story.type(args, '{ "to": 7 }')
      await form.getByText(/to: .*expected string/).waitFor()
      await story.type(args, '{ "to": "Eve", "text": "Dear Eve" }')
      await form.getByText(/expected string/).waitFor({ state: 'detached' })
      expect(await execute.isDisabled()).toBe(true)
      await story.click(form.getByRole('checkbox', { name: /Repeat send_letter/ }))
      await story.click(execute)
      const called = region('This call')
      expect(JSON.parse(await called.getByRole('region', { name: 'Arguments of send_letter' }).innerText())).toEqual({
        to: 'Eve',
        text: 'Dear Eve',
      })
      expect(played.sent).toEqual(['Bob'])
      await story.click(called.getByRole('button', { name: 'Approve' }))
      await called.getByText('First difference at to: "Bob", now "Eve"').waitFor()
    })
    expect(played.sent).toEqual(['Bob', 'Eve'])
    // A reload shows the same.
    await page.reload()
    await region('This call').getByText('First difference at to').waitFor()
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
  })

  test('The page forks a run with an edit.', async () => {
    await (await played.troupe.user('default').orchestra.get('asking')).result()
    await countActions(async (story) => {
      await story.click(view('Runs'))
      await story.click(page.getByRole('link', { name: 'the invitation' }))
      await story.click(page.getByRole('button', { name: 'Fork…' }))
      const form = page.getByRole('group', { name: 'Fork from here' })
      await story.choose(form.getByRole('combobox', { name: 'Change' }), 'The next result of an agent')
      await story.choose(form.getByRole('combobox', { name: 'Agent' }), 'Clerk')
      await story.type(form.getByLabel('The next result of an agent'), 'written with a pen')
      await form.getByText('no effect').waitFor()
      await story.click(form.getByRole('button', { name: 'Fork from here' }))
      await region('Response of the team').getByText('written with a pen').waitFor()
    })
    expect(played.sent).toEqual(['Bob', 'Eve'])
  })

  test('The page lets a person talk to a team.', async () => {
    await countActions(async (story) => {
      await story.click(view('Chat'))
      await story.choose(page.getByRole('combobox', { name: 'Team or agent' }), 'letters')
      await story.type(page.getByLabel('Message'), 'invite Bob once more')
      await story.click(page.getByRole('button', { name: 'Send' }))
      const answer = page.getByRole('group', { name: 'Answer of letters' })
      const question = answer.getByRole('group', { name: 'Question of Clerk' })
      const args = question.getByRole('region', { name: 'Arguments of send_letter' })
      await args.getByText('"to": "Bob"').waitFor()
      await story.click(question.getByRole('button', { name: 'Approve' }))
      await args.getByText('"to": "Cid"').waitFor()
      await story.click(question.getByRole('button', { name: 'Approve' }))
      await answer.getByText('Sent again.', { exact: true }).waitFor()
    })
    expect(played.sent).toEqual(['Bob', 'Eve', 'Bob', 'Cid'])
  })

  test('The page shows which agents can read a value, and why.', async () => {
    await countActions(async (story) => {
      await story.click(view('Context'))
      await story.click(page.getByRole('link', { name: 'letters.secret' }))
      const readers = region('Who can read this, and why')
      await readers.getByRole('row', { name: /^Clerk Yes Named as subscriber/ }).waitFor()
      await readers.getByRole('row', { name: /^Echo No Not named as subscriber/ }).waitFor()
    })
  })
})
