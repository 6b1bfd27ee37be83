/** Undo, breakpoints, evaluations, health and the command palette in a real browser, over a real server. */
import type { Page } from 'playwright-core'
import { AgentPool, createTroupe, defineAgent, defineTool, LlmAgent, type Troupe } from 'troupe'
import { exactMatch, parseDataset } from 'troupe/operations'
import type { Served } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { findSeriousProblems } from './accessibility.ts'
import { describeInBrowser } from './browser-testbed.ts'

const matchesForm = { schema: z.string() }

describeInBrowser('The views of operators', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page
  const calls: string[] = []
  const pool = new AgentPool({
    name: 'Browsers',
    agent: new LlmAgent({ name: 'Browser', instructions: 'You browse.', model: new MockModel({ responses: [] }) }),
    size: 2,
    acquireTimeout: '10m',
  })
  const problems: string[] = []

  const openRun = async (id: string) => {
    await page.goto(`${server.url}/#/runs/${id}`)
    await page.getByRole('status', { name: 'Status of the run' }).waitFor()
  }
  const checkAccessibility = async () => expect(await findSeriousProblems(page)).toEqual([])

  beforeAll(async () => {
    const booker = defineAgent<string, string>({
      name: 'Booker',
      run: async (task, ctx) => {
        for (const what of ['seat', 'hotel'])
          await ctx.effect(what, { class: 'at-most-once', undo: async () => void calls.push(what) }, () => what)
        await ctx.effect('mail', { class: 'at-most-once' }, () => 'sent')
        return `booked ${task}`
      },
    })
    const checker = defineAgent<string, string>({ name: 'Checker', run: async (text) => `checked ${text}` })
    const teams = { trips: { agents: [booker, checker], flows: ['Booker -> Checker'] } }
    troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      agents: [booker, checker, pool],
      teams,
      evaluation: { online: { share: 1, scorers: { exactly: matchesForm } } },
    })
    const { orchestra, experiments } = troupe.user('default')
    await orchestra.run({ id: 'trip', agent: 'Booker', task: 'Bern' })
    await orchestra.start({
      id: 'held',
      team: 'trips',
      task: 'Basel',
      config: { debug: { breakOn: { agent: 'Booker' } } },
    })
    const priceless = new LlmAgent({
      name: 'Priceless',
      model: new MockModel({ responses: ['Yes.', 'No.', 'Perhaps.'] }),
    })
    await orchestra.run({ id: 'priceless', agent: priceless, task: 'Is it so?' })
    await troupe.user('other').orchestra.run({ agent: priceless, task: 'Is it so?' })
    const dataset = parseDataset(
      'answers',
      '{"id":"good","input":"a","expected":"checked a"}\n{"id":"bad","input":"b","expected":"b"}',
    )
    for (const id of ['first', 'second'])
      await experiments.evaluate({ id, dataset, agent: 'Checker', scorers: { exact: exactMatch } })
    server = await testbed.serve(troupe)
    page = await testbed.open()
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(await server.link())
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  })

  test('An undo shows what it will do before it does anything, and then what it has done.', async () => {
    await openRun('trip')
    await page.getByRole('button', { name: 'Undo…' }).click()
    const panel = page.getByRole('group', { name: 'Undo of the run' })
    await panel.getByText('2 of 3 will be undone', { exact: false }).waitFor()
    await panel.getByRole('row', { name: /mail/ }).getByText('has no undo: stays').waitFor()
    expect(calls).toEqual([])
    await checkAccessibility()
    await panel.getByRole('button', { name: 'Undo 2 effects' }).press('Enter')
    await panel.getByText('2 undone.').waitFor()
    expect(calls).toEqual(['hotel', 'seat'])
    // The button that had the focus is gone: the panel has it, and gives it back to the command.
    await expect.poll(() => panel.evaluate((element) => element === document.activeElement)).toBe(true)
    const command = page.getByRole('button', { name: 'Undo…' })
    await panel.getByRole('button', { name: 'Close' }).press('Enter')
    await expect.poll(() => command.evaluate((element) => element === document.activeElement)).toBe(true)
    await command.press('Enter')
    await panel.getByText('Nothing is left to undo.').waitFor()
  })

  test('The online scores of a run are on its page.', async () => {
    await openRun('trip')
    const scores = page.getByRole('region', { name: 'Scores' })
    await scores.getByText('exactly').waitFor()
    expect(await scores.innerText()).toContain('1.00')
    await checkAccessibility()
  })

  test('A run at a breakpoint shows what comes next; its input is edited, and it executes one step.', async () => {
    await openRun('held')
    const debug = page.getByRole('region', { name: 'Debug' })
    await debug.getByText('The run waits before step 1#1 of Booker.').waitFor()
    await debug.getByText('The run stops before each step of Booker.', { exact: false }).waitFor()
    await page.getByRole('group', { name: 'Booker, waiting' }).waitFor()
    await debug.getByLabel('Input of 1#1', { exact: true }).fill('Chur')
    const use = debug.getByRole('button', { name: 'Use this input' })
    await use.press('Enter')
    await expect
      .poll(async () => (await (await troupe.user('default').orchestra.get('held')).inspect()).next.steps[0]?.input)
      .toBe('Chur')
    // The button is off now, and a keyboard is still at it.
    await expect.poll(() => use.getAttribute('aria-disabled')).toBe('true')
    expect(await use.evaluate((element) => element === document.activeElement)).toBe(true)
    await debug.getByRole('button', { name: 'Execute one step' }).click()
    await debug.getByText('The run waits before step 1#2 of Checker.').waitFor()
    await page.getByRole('group', { name: 'Booker, done' }).waitFor()
    await page.getByRole('group', { name: 'Checker, waiting' }).waitFor()
    await checkAccessibility()
    await debug.getByRole('button', { name: 'Remove breakpoints' }).click()
    await debug.getByText('The run has no breakpoint.').waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByText('checked booked Chur').first().waitFor()
  })

  test('The playground executes a recorded run again with other instructions, and shows both answers.', async () => {
    await page.goto(`${server.url}/#/playground?run=priceless`)
    await page.getByLabel('The instructions of an agent').fill('Be unsure.')
    await page.getByRole('button', { name: 'Run again' }).click()
    const compared = page.getByRole('group', { name: 'Run priceless' })
    await compared.getByText('another answer').waitFor()
    expect(await compared.getByRole('region', { name: 'Answer of priceless before' }).innerText()).toBe('Yes.')
    expect(await compared.getByRole('region', { name: 'Answer of priceless after' }).innerText()).toBe('Perhaps.')
    expect((await troupe.user('default').orchestra.list({ agent: 'Priceless' })).items).toHaveLength(1)
    await checkAccessibility()
  })

  test('The playground says that a function has no instructions, and that a run is unknown.', async () => {
    await page.goto(`${server.url}/#/playground?run=trip`)
    await page.getByText('Booker is a function, so it has no instructions to change.', { exact: false }).waitFor()
    expect(await page.getByRole('button', { name: 'Run again' }).isDisabled()).toBe(true)
    await page.goto(`${server.url}/#/playground?run=nowhere`)
    await page
      .getByText('There is no run with the id "nowhere". The view Runs lists all runs.', { exact: false })
      .waitFor()
  })

  test('A breakpoint that is set on the page stops the run there.', async () => {
    const { orchestra } = troupe.user('default')
    const asked = { id: 'stopped', team: 'trips', task: 'Chur', config: { debug: { breakOn: { agent: 'Booker' } } } }
    await orchestra.start(asked)
    await openRun('stopped')
    const debug = page.getByRole('region', { name: 'Debug' })
    await debug.getByRole('combobox', { name: 'Agent' }).selectOption('Checker')
    await debug.getByRole('button', { name: 'Set breakpoint' }).click()
    await debug.getByText('The run stops before each step of Checker.', { exact: false }).waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await debug.getByText('The run waits before step 1#2 of Checker.').waitFor()
  })

  test('Evaluations lists the experiments of a data set, and opens one with its cases, the worst first.', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Evaluations' }).click()
    const answers = page.getByRole('region', { name: 'answers' })
    await answers.getByRole('cell', { name: '50%', exact: true }).first().waitFor()
    const quality = answers.getByRole('figure', { name: /^Quality of Checker/ })
    await quality.locator('canvas').waitFor()
    await quality.getByRole('button', { name: 'Table' }).click()
    await expect.poll(() => quality.locator('tbody td').allInnerTexts()).toEqual(['50%', '50%'])
    await checkAccessibility()
    await quality.getByText(/^Quality of Checker, version [0-9a-f]{8}$/).waitFor()
    await answers.getByRole('cell', { name: '0 points', exact: true }).waitFor()
    await page.getByRole('link', { name: 'first' }).click()
    const cases = page.getByRole('region', { name: 'Cases' }).getByRole('rowheader')
    await expect.poll(() => cases.allInnerTexts()).toEqual(['bad', 'good'])
    await checkAccessibility()
  })

  test('Evaluations shows the online scores of live runs over time, for each scorer and team.', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Evaluations' }).click()
    const live = page.getByRole('region', { name: 'Live runs' })
    const scores = live.getByRole('figure', { name: 'Score exactly of Booker' })
    await scores.locator('canvas').waitFor()
    await scores.getByRole('button', { name: 'Table' }).click()
    await expect.poll(() => scores.locator('tbody tr').last().locator('td').allInnerTexts()).toEqual(['1.00', '1.00'])
    await checkAccessibility()
    await live.getByRole('combobox', { name: 'Range' }).selectOption('day')
    await expect.poll(() => page.url()).toContain('range=day')
    await scores.waitFor()
  })

  test('Health shows every check and every finding of doctor, the worst first, and those that pass on request.', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Health' }).click()
    await page.getByRole('region', { name: 'Checks' }).getByText('healthy').first().waitFor()
    const doctor = page.getByRole('region', { name: 'Doctor' })
    const { counts } = await troupe.doctor()
    const findings = () => doctor.getByRole('rowheader').count()
    await expect.poll(findings).toBe(counts.warn + counts.fail)
    await doctor.getByText(`Checks that pass: ${counts.pass}`).click()
    await expect.poll(findings).toBe(counts.pass + counts.warn + counts.fail)
    await page
      .getByRole('region', { name: 'Versions' })
      .getByText(/^Build /)
      .waitFor()
    await checkAccessibility()
  })

  test('Home and Health draw as code what the texts of doctor have between backticks.', async () => {
    const other = await testbed.open()
    await other.route(/\/v1\/doctor/, async (route) => {
      const answer = await route.fetch()
      const report = (await answer.json()) as { readonly checks: readonly { readonly status: string }[] }
      const remedy = 'Set `log` to `error`.'
      const checks = report.checks.map((check) => (check.status === 'pass' ? check : { ...check, remedy }))
      await route.fulfill({ response: answer, json: { ...report, checks } })
    })
    await other.goto(await server.link())
    for (const view of ['home', 'health']) {
      await other.goto(`${server.url}/#/${view}`)
      const doctor = other.getByRole('region', { name: 'Doctor' })
      await doctor
        .locator('code', { hasText: /^error$/ })
        .first()
        .waitFor()
      expect(await doctor.innerText()).not.toContain('`')
    }
    await other.unrouteAll({ behavior: 'wait' })
    await other.context().close()
  })

  test('The command palette goes to a view, a team and a run by the keyboard alone.', async () => {
    await page.keyboard.press('Control+k')
    const input = page.getByPlaceholder('Go to a view, a team or a run …')
    await input.fill('audit')
    await page.getByRole('option', { name: 'Audit' }).waitFor()
    await checkAccessibility()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor()
    await page.keyboard.press('Control+k')
    await input.fill('bern')
    await page.getByRole('option', { name: 'Bern completed' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Bern' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.press('Escape')
    await expect.poll(() => input.count()).toBe(0)
  })

  test('Usage draws the runs of the last hours, shows the same values as a table, and sums them by team, user and model.', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Usage' }).click()
    const over = page.getByRole('region', { name: 'Over time' })
    await over
      .getByRole('img', { name: /^Chart of Runs started/ })
      .locator('canvas')
      .waitFor()
    expect(await over.locator('canvas').count()).toBe(4)
    await checkAccessibility()
    const usage = await troupe.user('default').orchestra.usage()
    const runs = usage.reduce((sum, one) => sum + one.runs, 0)
    const started = over.getByRole('figure', { name: 'Runs started' })
    await started.getByRole('button', { name: 'Table' }).click()
    await expect
      .poll(async () =>
        (await started.locator('tbody td:nth-of-type(1)').allInnerTexts()).reduce((sum, text) => sum + Number(text), 0),
      )
      .toBe(runs)
    const groups = page.getByRole('region', { name: /^Usage by/ })
    await groups.getByRole('row', { name: /^Priceless 1 .* price unknown$/ }).waitFor()
    await groups.getByRole('combobox', { name: 'Group' }).selectOption('model')
    await groups.getByRole('row', { name: /^mock\/mock 1 / }).waitFor()
    await groups.getByRole('combobox', { name: 'Group' }).selectOption('user')
    await groups.getByRole('row', { name: /^default 1 / }).waitFor()
    await groups.getByRole('combobox', { name: 'Users' }).selectOption('all')
    await groups.getByRole('row', { name: /^other 1 / }).waitFor()
    await checkAccessibility()
    await over.getByText('Cost: price unknown for the models of 1 run.').waitFor()
    await over.getByRole('combobox', { name: 'Range' }).selectOption('month')
    await over.getByText('Cost: price unknown for the models of 1 run.').waitFor()
  })

  test('The columns of metrics join the table of agents when they are known, and the focus stays on its link.', async () => {
    const { promise: asked, resolve: answer } = Promise.withResolvers<void>()
    await page.route('**/metrics', async (route) => {
      await asked
      await route.fallback()
    })
    await page.goto(`${server.url}/#/agents`)
    await page.reload()
    const link = page.getByRole('link', { name: 'Show runs with Booker' })
    await link.focus()
    expect(await page.getByRole('columnheader', { name: 'Success' }).count()).toBe(0)
    answer()
    await page.getByRole('columnheader', { name: 'Success' }).waitFor()
    expect(await link.evaluate((element) => element === document.activeElement)).toBe(true)
    await page.unroute('**/metrics')
  })

  test('An agent that is a pool shows how many instances are in use and how many callers wait.', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Agents' }).click()
    await page.getByRole('link', { name: 'Browsers', exact: true }).click()
    const region = page.getByRole('region', { name: 'Pool' })
    await region.getByText('0 of 2').waitFor()
    await page.getByText('You browse.').waitFor()
    const leases = await Promise.all([pool.acquire(), pool.acquire()])
    const waiting = pool.acquire()
    await region.getByText('2 of 2').waitFor()
    const countOf = (name: string) => region.locator('dl > div').filter({ hasText: name }).locator('dd').innerText()
    expect(await countOf('Callers that wait')).toBe('1')
    expect(await countOf('Timeouts')).toBe('0')
    await checkAccessibility()
    const to = process.env.TROUPE_SCREENSHOTS
    if (to !== undefined) await page.screenshot({ path: `${to}/pool.png` })
    for (const lease of [...leases, await leases[0]?.release().then(() => waiting)]) await lease?.release()
    await region.getByText('0 of 2').waitFor()
  })

  test('The playground says what to press when a change leads to a call that the run has not made.', async () => {
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      inputSchema: z.object({}),
      effect: 'read',
      execute: () => 'seen',
    })
    const looker = new LlmAgent({
      name: 'Looker',
      model: new MockModel({ responses: ['Yes.', { text: '', toolCalls: [{ name: 'look', args: {} }] }, 'Seen.'] }),
      tools: { look },
    })
    await troupe.user('default').orchestra.run({ id: 'looked', agent: looker, task: 'Is it so?' })
    await page.goto(`${server.url}/#/playground?run=looked`)
    await page.getByLabel('The instructions of an agent').fill('Look first.')
    await page.getByRole('button', { name: 'Run again' }).click()
    const compared = page.getByRole('group', { name: 'Run looked' })
    await compared.getByText('press “Fork…”', { exact: false }).waitFor()
    expect(await compared.innerText()).not.toContain('live: true')
    await checkAccessibility()
  })

  test('A breakpoint on a tool stops the run before the call, and one on errors lets a person give the result.', async () => {
    const printed: string[] = []
    const print = defineTool({
      name: 'print',
      description: 'Prints.',
      inputSchema: z.object({ text: z.string() }),
      effect: 'at-most-once',
      execute: ({ text }) => {
        printed.push(text)
        return 'printed'
      },
    })
    const call = { toolCalls: [{ name: 'print', args: { text: 'menu' } }] }
    const model = new MockModel({ responses: [call, 'The menu is printed.'] })
    const printer = new LlmAgent({ name: 'Printer', model, tools: { print } })
    const binder = defineAgent({ name: 'Binder', run: () => Promise.reject(new Error('out of thread')) })
    const debug = { breakOn: { agent: 'Printer' } }
    const topology = { agents: [printer, binder], flows: ['Printer -> Binder'] }
    await troupe
      .user('default')
      .orchestra.start({ id: 'printed', task: 'x', topology: topology as never, config: { debug } })
    await openRun('printed')
    const region = page.getByRole('region', { name: 'Debug' })
    await region.getByRole('combobox', { name: 'Stop' }).selectOption({ label: 'Before each call of a tool' })
    const set = region.getByRole('button', { name: 'Set breakpoint' })
    expect(await set.isDisabled()).toBe(true)
    await region.getByRole('textbox', { name: 'Tool' }).fill('print')
    await set.click()
    await region.getByText('The run stops before each call of print.', { exact: false }).waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('group', { name: 'Printer, waiting' }).waitFor()
    await region.getByText('The run waits before step 1#1 of Printer.').waitFor()
    expect(model.calls).toHaveLength(1)
    expect(printed).toEqual([])
    await region.getByRole('combobox', { name: 'Stop' }).selectOption({ label: 'At each error of a step' })
    await set.click()
    await region.getByText('The run stops at each error of a step.', { exact: false }).waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    const failed = region.getByRole('group', { name: 'Binder failed: out of thread' })
    await region.getByText(/^The run waits at the error of step 1#\d of Binder\.$/).waitFor()
    expect(printed).toEqual(['menu'])
    await failed.getByLabel(/^Result of/).fill('"bound by a person"')
    await failed.getByRole('button', { name: 'Use this result' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
    await page.getByRole('region', { name: 'Response of the team' }).getByText('bound by a person').waitFor()
  })

  test('No view of operators throws.', () => {
    expect(problems).toEqual([])
  })
})
