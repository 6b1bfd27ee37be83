/** The slider of a run in a real browser: the context and the mailboxes as they were at the selected event. */
import { createTroupe, defineAgent, defineMessage, finish, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { beforeAll, expect, test } from 'vitest'
import { findSeriousProblems } from './accessibility.ts'
import { describeInBrowser } from './browser-testbed.ts'

const Note = defineMessage<{ readonly text: string }>('note')
const longText = 'A letter without an end. '.repeat(40)

describeInBrowser('Time', (testbed) => {
  let troupe: Troupe
  let server: Served
  let run: string
  let types: readonly string[]

  beforeAll(async () => {
    const drafts = defineAgent<string, string>({
      name: 'Drafts',
      run: async (task, ctx) => {
        await ctx.context.get('letters.rules')
        await ctx.context.get('letters.draft')
        await ctx.context.push('letters.draft', { text: longText }, { writers: 'readers' })
        await ctx.messages.send(Note, { text: 'check this' }, { to: 'Clerk' })
        return task
      },
    })
    const sends = defineAgent<string, string>({
      name: 'Sends',
      run: async (_, ctx) => {
        await ctx.context.push('letters.scratch', 'to be deleted')
        await ctx.ask({ text: 'Shall the letter go?' })
        await ctx.context.push('letters.draft', 'sent')
        await ctx.context.push('letters.rules', 'be brief')
        await ctx.context.delete('letters.scratch')
        return finish('done') as never
      },
    })
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [drafts, sends] })
    server = await testbed.serve(troupe)
    const user = troupe.user('default')
    await user.context.push('letters.rules', 'be kind', { writers: 'readers' })
    const topology = {
      agents: [drafts, sends],
      flows: ['Start -> Drafts', 'Drafts -> Sends', 'Sends -> End'],
    }
    const started = await user.orchestra.start({ task: 'a letter', topology: topology as never })
    run = started.id
    const { questions } = await started.result()
    // The times of the storage and of the journal are in ms.
    await new Promise((resolve) => setTimeout(resolve, 20))
    const [delivery] = await user.agent('Clerk').mailbox.receive({ max: 1, wait: '5s' })
    await delivery?.ack()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await started.answer(questions[0]?.id ?? '', 'yes')
    expect(await started.result()).toMatchObject({ response: 'done' })
    const found: string[] = []
    for await (const { type } of started.events()) found.push(type)
    types = found
  })

  for (const [name, viewport] of [
    ['', { width: 1_200, height: 900 }],
    [', also on a phone', { width: 390, height: 844 }],
  ] as const)
    test(`The slider changes the values of the context and the messages of the mailboxes${name}.`, async () => {
      const page = await testbed.open({ viewport, link: await server.link() })
      await page.goto(`${server.url}/#/runs/${run}?tab=time&at=1`)
      const time = page.getByRole('region', { name: 'Time', exact: true })
      const slider = time.getByRole('slider', { name: 'Event' })
      const moveTo = (type: string) => slider.fill(String(types.indexOf(type)))
      const row = (key: string) => time.getByRole('row', { name: new RegExp(`^${key.replace('.', '\\.')}`) })
      const note = time.getByRole('region', { name: 'Mailbox Clerk' }).getByRole('row', { name: /^note from Drafts/ })
      await time.getByText('Until here no step has read or written an entry.').waitFor()
      await moveTo('step.completed')
      await row('letters.rules').getByText('be kind', { exact: true }).waitFor()
      expect(await row('letters.rules').innerText()).toMatch(/version 1\s+read by Drafts, 1#1/)
      expect(await row('letters.rules').locator('.chip').innerText()).toBe('read')
      expect(await row('letters.draft').locator('.chip').innerText()).toBe('written')
      await note.getByText('waiting').waitFor()
      await row('letters.draft').locator('summary').click()
      const value = time.getByRole('region', { name: /^Value of letters\.draft at event/ })
      expect(await value.innerText()).toContain(longText.trim())
      await moveTo('question.asked')
      await expect.poll(() => row('letters.draft').locator('.chip').count()).toBe(0)
      await note.getByText('waiting').waitFor()
      expect(await row('letters.scratch').innerText()).toMatch(/to be deleted\s+version 1\s+written by Sends, 1#2/)
      expect(await findSeriousProblems(page)).toEqual([])
      await moveTo('run.completed')
      await row('letters.scratch').getByText('deleted', { exact: true }).first().waitFor()
      expect(await row('letters.scratch').innerText()).toMatch(/deleted by Sends, 1#2/)
      expect(await row('letters.draft').innerText()).toMatch(/sent\s+version 2\s+written by Sends, 1#2/)
      expect(await row('letters.rules').innerText()).toMatch(/be brief\s+version 2\s+written by Sends, 1#2/)
      await note.getByText('handled').waitFor()
      await note.getByRole('link', { name: 'Open in Messages' }).waitFor()
      const total = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(total).toBeLessThanOrEqual(viewport.width)
      await page.context().close()
    })
})
