/** Chat, time, comparison, teams, usage, API keys and the audit log in a real browser, over a real server. */
import { readFileSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { defineAgent, finish } from 'troupe'
import { beforeAll, expect, test } from 'vitest'
import { findSeriousProblems } from './accessibility.ts'
import { describeInBrowser } from './browser-testbed.ts'
import { type Played, play } from './studio-testbed.ts'

describeInBrowser('The further views of the studio', (testbed) => {
  let played: Played
  let page: Page
  const problems: string[] = []

  const go = async (name: string) => {
    await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
  }
  const checkAccessibility = async () => expect(await findSeriousProblems(page)).toEqual([])

  beforeAll(async () => {
    played = await testbed.use(play())
    page = await testbed.open()
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(await played.server.link())
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  })

  test('A person talks to an agent, and each message takes the conversation along.', async () => {
    await go('Chat')
    await page.getByRole('combobox', { name: 'Team or agent' }).selectOption('Echo')
    await page.getByLabel('Message').fill('good morning')
    await page.getByLabel('Message').press('Enter')
    await page.getByText('You said: good morning', { exact: true }).waitFor()
    await page.getByLabel('Message').fill('and now?')
    await page.getByRole('button', { name: 'Send' }).click()
    const replies = page.getByRole('group', { name: 'Answer of Echo' })
    await expect.poll(() => replies.count()).toBe(2)
    await replies.last().getByText('completed').waitFor()
    const reply = await replies.last().innerText()
    expect(reply).toContain('You said: user: good morning, Echo: You said: good morning, and now?')
    await checkAccessibility()
  })

  test('A thread lasts over a reload, and is opened again from the list.', async () => {
    const replies = page.getByRole('group', { name: 'Answer of Echo' })
    await page.reload()
    await expect.poll(() => replies.count()).toBe(2)
    const messages = page.getByRole('list', { name: 'Thread with Echo' })
    await expect.poll(() => messages.locator('.mine').allInnerTexts()).toEqual(['good morning', 'and now?'])
    await page.getByRole('button', { name: 'New thread' }).click()
    await page.getByText('Write a message: Echo answers it here.').waitFor()
    await page.getByRole('navigation', { name: 'Threads' }).getByRole('link', { name: 'good morning' }).click()
    await expect.poll(() => messages.locator('.mine').allInnerTexts()).toEqual(['good morning', 'and now?'])
  })

  test('A message is run again with a change, and both answers are beside each other.', async () => {
    const first = page.getByRole('listitem').filter({ hasText: 'good morning' }).first()
    await first.getByRole('button', { name: 'Run again with…' }).click()
    const form = first.getByRole('group', { name: 'Fork from here' })
    await form.getByRole('combobox', { name: 'Change' }).selectOption('result')
    await form.getByLabel('The next result of an agent').fill('"Other words"')
    await form.getByRole('button', { name: 'Fork from here' }).click()
    await first.getByRole('group', { name: 'Other answer of Echo' }).getByText('Other words', { exact: true }).waitFor()
    await first.getByText('You said: good morning', { exact: true }).waitFor()
    await checkAccessibility()
  })

  test('A thread is deleted after a second press, and leaves the list.', async () => {
    await page.goto(`${played.server.url}/#/chat?with=Echo`)
    await page.getByRole('textbox', { name: 'Message' }).fill('forget this')
    await page.getByRole('button', { name: 'Send' }).click()
    const threads = page.getByRole('navigation', { name: 'Threads' })
    await threads.getByRole('link', { name: 'forget this' }).waitFor()
    await page.getByRole('group', { name: 'Answer of Echo' }).getByText('completed').waitFor()
    await page.getByRole('button', { name: 'Delete thread…' }).click()
    await checkAccessibility()
    await page.getByRole('button', { name: 'Delete for good' }).click()
    await page.getByText('Write a message: Echo answers it here.').waitFor()
    await expect.poll(() => threads.getByRole('link', { name: 'forget this' }).count()).toBe(0)
    await threads.getByRole('link', { name: 'good morning' }).waitFor()
  })

  test('An image and a text go with a message, are shown in the thread, and are read by the agent.', async () => {
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    await page.getByRole('combobox', { name: 'Team or agent' }).selectOption('Mirror')
    await page.getByLabel('Message').fill('look at this')
    await page.getByLabel('Attach files').setInputFiles([
      { name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') },
      { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('Grüße aus Kiel') },
    ])
    await page.getByRole('button', { name: 'Take back note.txt' }).waitFor()
    await page.getByRole('button', { name: 'Take back dot.png' }).waitFor()
    await page.getByLabel('Message').press('Enter')
    const answer = page.getByRole('group', { name: 'Answer of Mirror' })
    await answer.getByText('look at this', { exact: true }).waitFor()
    for (const card of [answer, page.locator('.mine')]) {
      const picture = card.getByRole('img', { name: 'dot.png' })
      await picture.waitFor()
      expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1)
      const [saved] = await Promise.all([
        page.waitForEvent('download'),
        card.getByRole('link', { name: 'Save note.txt' }).click(),
      ])
      expect(saved.suggestedFilename()).toBe('note.txt')
      expect(readFileSync(await saved.path(), 'utf8')).toBe('Grüße aus Kiel')
    }
    const { orchestra } = played.troupe.user('default')
    const [run] = (await orchestra.list({ agent: 'Mirror', limit: 1 })).items
    // The agent returns the content that it has received.
    const { response } = await (await orchestra.get(run?.id ?? '')).result()
    expect(response).toEqual([
      { type: 'text', text: 'look at this' },
      expect.objectContaining({ filename: 'dot.png' }),
      expect.objectContaining({ mediaType: 'text/plain', data: Buffer.from('Grüße aus Kiel').toString('base64') }),
    ])
  })

  test('The studio stops an answer in progress where the answer is shown.', async () => {
    await page.getByRole('combobox', { name: 'Team or agent' }).selectOption('Slow')
    await page.getByLabel('Message').fill('take your time')
    await page.getByLabel('Message').press('Enter')
    const answer = page.getByRole('group', { name: 'Answer of Slow' })
    await answer.getByText('running').waitFor()
    await answer.getByRole('button', { name: 'Stop' }).click()
    await answer.getByText('cancelled').first().waitFor()
    await expect.poll(() => answer.getByRole('button', { name: 'Stop' }).count()).toBe(0)
    const { items } = await played.troupe.user('default').orchestra.list({ status: 'cancelled' })
    expect(items.map(({ title }) => title)).toContain('take your time')
  })

  test('An approval is given in the conversation that asks for it.', async () => {
    await page.getByRole('combobox', { name: 'Team or agent' }).selectOption('letters')
    await page.getByLabel('Message').fill('invite Bob')
    await page.getByLabel('Message').press('Enter')
    await page.getByText('Clerk asks').waitFor()
    expect(played.sent).toEqual([])
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('The letter is sent.', { exact: true }).waitFor()
    expect(played.sent).toEqual(['Bob'])
  })

  test('A run is seen as it was at each of its events, with what its steps had written by then.', async () => {
    await page.getByRole('link', { name: 'Open run' }).last().click()
    // The path that was taken from Start to End, and the wait for the approval.
    const team = page.getByRole('region', { name: 'Team' })
    await expect.poll(() => team.getByText(/1×$/).count()).toBe(3)
    expect(await team.locator('.react-flow__edge.used').count()).toBe(3)
    expect(await page.locator('.step-bar .wait').count()).toBe(1)
    await page.getByRole('link', { name: 'Time', exact: true }).click()
    const slider = page.getByRole('slider', { name: 'Event' })
    const region = page.getByRole('region', { name: 'Time' })
    await region.getByRole('rowheader', { name: 'letters.draft' }).waitFor()
    await team.getByRole('group', { name: 'Clerk, done' }).waitFor()
    const events = Number(await slider.getAttribute('max')) + 1
    await region.getByRole('button', { name: 'Failure or request before' }).click()
    await region.getByText(/^Event \d+: question\.asked of Clerk/).waitFor()
    // At the request the clerk is at work, and the reader is done.
    await team.getByRole('group', { name: 'Clerk, working' }).waitFor()
    await team.getByRole('group', { name: 'Reader, done' }).waitFor()
    expect(Number(await slider.inputValue())).toBeLessThan(events - 1)
    await slider.fill('0')
    await region.getByText(/^Event 1: run\.started/).waitFor()
    for (const name of ['Reader', 'Clerk']) await team.getByRole('group', { name: `${name}, not begun` }).waitFor()
    await region.getByText('Until here no step has read or written an entry.').waitFor()
    await region.getByText('Until here no step has sent a message.').waitFor()
    await region.getByRole('button', { name: 'Event after' }).click()
    await region.getByText(/^Event 2: /).waitFor()
    await page.waitForURL(/at=2/)
    await page.reload()
    await region.getByText(/^Event 2: /).waitFor()
    await checkAccessibility()
    // The address of another event of the same run moves the slider.
    const address = page.url()
    await page.goto(address.replace('at=2', 'at=3'))
    await region.getByText(/^Event 3: /).waitFor()
    await page.goto(address)
    await region.getByText(/^Event 2: /).waitFor()
  })

  test('A run is forked at an event with another result of an agent, and compared with the run that it comes from.', async () => {
    const before = page.url().split('/').at(-1)?.split('?')[0] as string
    await page.getByRole('button', { name: 'Fork here…' }).click()
    const form = page.getByRole('group', { name: 'Fork from here' })
    await form.getByRole('combobox', { name: 'Change' }).selectOption('result')
    await form.getByRole('combobox', { name: 'Agent' }).selectOption('Reader')
    await form.getByLabel('The next result of an agent').fill('"Other notes"')
    // The run has sent a letter since, which the fork may send again.
    await form.getByText('send_letter of step 1#2, at-most-once').waitFor()
    await form.getByRole('checkbox', { name: /^Repeat effects/ }).check()
    await form.getByRole('button', { name: 'Fork from here' }).click()
    await expect.poll(() => page.url()).not.toContain(before)
    await page.getByText('Clerk asks').waitFor()
    await page.getByRole('link', { name: 'Compare' }).click()
    await page.locator(`datalist option[value="${before}"]`).waitFor({ state: 'attached' })
    await page.getByLabel('Id of another run').fill(before)
    await page.getByRole('button', { name: 'Compare' }).click()
    await page.getByText(/^The runs differ from event \d+ on\.$/).waitFor()
    const difference = page
      .getByRole('region', { name: /^Event \d+ of both runs$/ })
      .getByRole('row', { name: /^outcome\.value/ })
    expect(await difference.innerText()).toMatch(/Other notes.*Notes on/s)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Cancel now' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('cancelled').waitFor()
  })

  test('A team is drawn, with what its check finds and its definition.', async () => {
    await go('Teams')
    const row = page.getByRole('row', { name: 'letters' })
    for (const link of ['Reader', 'Clerk', 'Show runs of letters'])
      await row.getByRole('link', { name: link }).waitFor()
    await row.getByText(/^(?:pass|(?:error|warning|advice): \d+)$/).waitFor()
    await checkAccessibility()
    await page.getByRole('link', { name: 'letters', exact: true }).click()
    await page.getByRole('group', { name: /^Clerk/ }).waitFor()
    await page.getByRole('region', { name: 'Check' }).getByText(/.+/).first().waitFor()
    expect(await page.getByRole('region', { name: 'Definition of letters' }).innerText()).toContain('"Reader"')
    await checkAccessibility()
    await page.getByRole('link', { name: 'Talk to it' }).click()
    await page.getByRole('heading', { level: 1, name: 'Chat' }).waitFor()
    expect(await page.getByRole('combobox', { name: 'Team or agent' }).inputValue()).toBe('letters')
  })

  test('A team is saved and copied as YAML and as TypeScript, also with the keyboard and on a phone.', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await go('Teams')
    await page.getByRole('link', { name: 'letters', exact: true }).click()
    await page.setViewportSize({ width: 360, height: 740 })
    const definition = page.getByRole('region', { name: 'Definition', exact: true })
    const formats = page.getByRole('group', { name: 'Format' })
    for (const [format, file, text] of [
      ['YAML', 'letters.team.yaml', 'pattern:\n  pipeline:\n'],
      ['TypeScript', 'letters.ts', 'stages: [{ agents: [readerAgent] }, { agents: [clerkAgent] }]'],
    ] as const) {
      await formats.getByRole('button', { name: format, exact: true }).click()
      const code = page.getByRole('textbox', { name: `letters as ${format}` })
      await code.waitFor()
      await definition.getByRole('button', { name: 'Save', exact: true }).focus()
      const [saved] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
      const written = readFileSync(await saved.path(), 'utf8')
      expect(saved.suggestedFilename()).toBe(file)
      expect(written).toContain('You send letters.')
      expect(written).toContain("The code of the tool 'send_letter' is yours")
      expect(written).toContain(text)
      await definition.getByRole('button', { name: 'Copy', exact: true }).click()
      await definition.getByRole('button', { name: 'Copied' }).waitFor()
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(written)
      expect(await code.innerText()).toContain(written.split('\n')[0])
      // A string has another colour than the text around it, in dark as in light.
      for (const appearance of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme: appearance })
        const colours = await code.locator('span').evaluateAll((all) => all.map((one) => getComputedStyle(one).color))
        expect(new Set(colours).size).toBeGreaterThan(1)
        await checkAccessibility()
      }
      await code.press('x')
      expect(await code.innerText()).toContain(written.split('\n')[0])
    }
    await formats.getByRole('button', { name: 'JSON', exact: true }).click()
    await page.getByRole('region', { name: 'Definition of letters' }).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
    await checkAccessibility()
    await page.setViewportSize({ width: 1_200, height: 900 })
  })

  test('An agent shows its model, its instructions, and its tools with their effect classes.', async () => {
    await go('Agents')
    await page
      .getByRole('row', { name: /^Clerk letters/ })
      .getByRole('link', { name: 'Clerk', exact: true })
      .click()
    await page.getByRole('heading', { level: 1, name: 'Clerk' }).waitFor()
    expect(await page.getByRole('region', { name: 'Instructions of Clerk' }).innerText()).toBe('You send letters.')
    await page.getByText('mock/mock').first().waitFor()
    const metrics = page.getByRole('region', { name: 'Since this process was opened' })
    await metrics.getByText('Steps completed').waitFor()
    await metrics.getByText(/^\d+(\.\d)?%$/).waitFor()
    await page.getByRole('row', { name: 'send_letter at-most-once always Sends a letter.' }).waitFor()
    await checkAccessibility()
  })

  test('Usage shows the tokens and the cost of each run, and their sum.', async () => {
    await go('Usage')
    await page.getByRole('region', { name: 'Runs' }).getByRole('columnheader', { name: 'Tokens in' }).waitFor()
    expect(await page.getByText(/^\$\d/).first().innerText()).toMatch(/^\$\d+\.\d+/)
    await checkAccessibility()
  })

  test('An API key is made, works, is shown once, and is revoked after a question.', async () => {
    await go('API keys')
    await page.getByLabel('Name', { exact: true }).fill('reporting')
    await page.getByLabel('Users').fill('ada')
    await page.getByRole('button', { name: 'Create' }).click()
    const key = await page.getByRole('alert').locator('code').innerText()
    const asked = await fetch(`${played.server.url}/v1/runs`, { headers: { authorization: `Bearer ${key}` } })
    expect(asked.status).toBe(200)
    await page.getByRole('button', { name: 'Revoke reporting' }).click()
    await page.getByRole('button', { name: 'Revoke at once reporting' }).click()
    await page
      .getByRole('row', { name: /reporting/ })
      .getByText('revoked')
      .waitFor()
    const rejected = await fetch(`${played.server.url}/v1/runs`, { headers: { authorization: `Bearer ${key}` } })
    expect(rejected.status).toBe(401)
    await checkAccessibility()
  })

  test('The audit log is narrowed by action, principal and time, and a record has an address.', async () => {
    await go('Audit')
    await page.getByRole('cell', { name: 'run.fork', exact: true }).first().waitFor()
    const verification = page.getByRole('region', { name: 'Verification' })
    await verification.getByText('Nothing contradicts the log').waitFor()
    await page.getByRole('searchbox', { name: 'Action' }).fill('approval.give')
    await page.getByRole('searchbox', { name: 'Principal' }).fill('host')
    await page.getByRole('button', { name: 'Find' }).click()
    await expect.poll(() => page.getByRole('cell', { name: 'run.fork', exact: true }).count()).toBe(0)
    await page.getByRole('cell', { name: 'approval.give', exact: true }).first().waitFor()
    await page
      .getByRole('row', { name: /approval\.give/ })
      .first()
      .getByRole('link')
      .click()
    const record = page.getByRole('region', { name: 'Record' })
    await record.getByText('approval.give', { exact: true }).waitFor()
    expect(await page.locator('tr[aria-current=true]').getByRole('cell').nth(1).innerText()).toBe('approval.give')
    await checkAccessibility()
    await page.reload()
    await record.getByText('approval.give', { exact: true }).waitFor()
    await record.getByRole('link', { name: 'Close' }).click()
    await record.waitFor({ state: 'detached' })
    await page.getByLabel('To').fill('2020-01-01T00:00')
    await page.getByText('No record fits.').waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByRole('cell', { name: 'run.fork', exact: true }).first().waitFor()
  })

  test('The appearance is chosen in the settings, lasts over a reload, and follows the system again.', async () => {
    await go('Settings')
    const appearance = page.getByRole('combobox', { name: 'Appearance' })
    const shown = () =>
      page.evaluate(() => {
        const { colorScheme, backgroundColor } = getComputedStyle(document.documentElement)
        return [colorScheme, backgroundColor]
      })
    const [light, dark] = [
      ['light', 'rgb(247, 247, 248)'],
      ['dark', 'rgb(12, 13, 15)'],
    ]
    for (const [choice, system, expected] of [
      ['dark', 'light', dark],
      ['light', 'dark', light],
    ] as const) {
      await page.emulateMedia({ colorScheme: system })
      await appearance.selectOption(choice)
      await expect.poll(shown).toEqual(expected)
      await page.reload()
      await appearance.waitFor()
      await expect.poll(shown).toEqual(expected)
      expect(await appearance.inputValue()).toBe(choice)
    }
    await appearance.selectOption('system')
    await expect.poll(shown).toEqual(dark)
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(shown).toEqual(light)
  })

  test('Two approvals of the same call have names of their own on Home.', async () => {
    const args = { to: 'bob' }
    const payer = defineAgent({
      name: 'Payer',
      run: async (_, ctx) => finish((await ctx.ask({ kind: 'approval', text: 'Pay?', tool: 'pay', args })) as never),
    })
    for (const task of ['rent', 'power']) {
      const run = await played.troupe.user('default').orchestra.start({ agent: payer, task })
      await run.result()
    }
    // The link of Home has the count of requests in its name as soon as the page has heard of them.
    await page.goto(`${played.server.url}/#/home`)
    await page.reload()
    await expect.poll(() => page.getByRole('region', { name: 'Arguments of pay' }).count()).toBe(2)
    const { violations } = await new AxeBuilder({ page: page as never }).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
  })

  test('The views of the studio throw no error.', () => {
    expect(problems).toEqual([])
  })
})
