/** The keys of the design in a real browser: rows, answers, details of a run, and its slider. */
import type { Page } from 'playwright-core'
import { createTroupe, defineAgent, defineTool, finish, LlmAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { describeInBrowser } from './browser-testbed.ts'

describeInBrowser('The keys of the studio', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page
  const problems: string[] = []

  beforeAll(async () => {
    const payer = defineAgent({
      name: 'Payer',
      run: async (task, ctx) =>
        finish((await ctx.ask({ kind: 'approval', text: `Pay ${task}?`, tool: 'pay', args: { task } })) as never),
    })
    const broken = defineAgent({
      name: 'Broken',
      run: async () => {
        throw new Error('out of paper')
      },
    })
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      inputSchema: z.object({}),
      effect: 'read',
      execute: async () => 'seen',
    })
    const model = new MockModel({ responses: [{ text: '', toolCalls: [{ name: 'look', args: {} }] }, 'Done.'] })
    const looker = new LlmAgent({ name: 'Looker', instructions: 'Look.', model, tools: { look } })
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [payer, broken, looker] })
    const { orchestra } = troupe.user('default')
    for (const task of ['rent', 'power']) await orchestra.start({ id: task, agent: 'Payer', task })
    for (const id of ['one', 'two', 'three', 'four'])
      await orchestra.run({ id, agent: 'Broken', task: id }).catch(() => {})
    await orchestra.run({ id: 'looked', agent: 'Looker', task: 'look' })
    server = await testbed.serve(troupe)
    page = await testbed.open({ permissions: ['clipboard-read', 'clipboard-write'] })
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(await server.link())
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  })

  const press = async (...keys: readonly string[]) => {
    for (const key of keys) await page.keyboard.press(key)
  }
  const focused = () => page.evaluate(() => document.activeElement?.textContent)
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  const openRun = async (id: string, search = '') => {
    await page.goto(`${server.url}/#/runs/${id}${search}`)
    await page.getByRole('status', { name: 'Status of the run' }).waitFor()
    await page.getByRole('navigation', { name: 'Parts of the run' }).waitFor()
  }

  test('The keys a and r only move the focus to Approve and Refuse, and Enter confirms.', async () => {
    const waiting = page.getByRole('region', { name: 'Waiting for a person' })
    const questions = waiting.getByRole('group', { name: 'Question of Payer' })
    await questions.nth(1).waitFor()
    await press('a')
    expect(await focused()).toBe('Approve')
    expect(await questions.count()).toBe(2)
    await press('Enter')
    await waiting.getByText('Answered: approved').waitFor()
    expect(await questions.count()).toBe(1)
    await press('r')
    expect(await focused()).toBe('Refuse…')
    await press('Enter')
    await questions.getByLabel('Reason of the refusal').fill('ar')
    expect(await questions.getByLabel('Reason of the refusal').inputValue()).toBe('ar')
    await press('Tab', 'Enter')
    await waiting.getByText('Answered: refused: ar').waitFor()
  })

  test('The key x selects a row, Shift x all rows up to it, and Escape clears the selection.', async () => {
    await page.goto(`${server.url}/#/runs`)
    await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'four' }).waitFor()
    const selected = () => page.getByRole('checkbox', { name: /^Select/, checked: true }).count()
    await press('j', 'x')
    await expect.poll(selected).toBe(1)
    await press('j', 'j', 'j', 'Shift+X')
    await expect.poll(selected).toBe(4)
    await page.getByText('4 selected').waitFor()
    await press('x')
    await expect.poll(selected).toBe(3)
    await press('Escape')
    await expect.poll(selected).toBe(0)
  })

  test('The keys t, e and w open the parts of a run, and c and l copy its id and its link.', async () => {
    await openRun('one')
    for (const [key, name] of [
      ['e', 'Events'],
      ['w', 'Why'],
      ['t', 'Steps'],
    ] as const) {
      await press(key)
      await page.getByRole('region', { name, exact: true }).waitFor()
    }
    await press('c')
    await expect.poll(copied).toBe('one')
    await press('l')
    await page.getByRole('status', { name: 'Keys' }).getByText('Link copied').waitFor()
    expect(await copied()).toBe(page.url())
  })

  test('Arrows fold and unfold a step, i goes to its details, and brackets to the call before and after.', async () => {
    await openRun('looked')
    const step = page.getByRole('treeitem', { name: /^Looker/ })
    const details = page.getByRole('complementary')
    await step.focus()
    await press('ArrowRight')
    await details.getByRole('heading', { name: 'Looker' }).waitFor()
    await page.getByRole('treeitem', { name: /^model call 1/ }).waitFor()
    await press(']')
    await details.getByRole('heading', { name: 'model call 1' }).waitFor()
    await press(']')
    await details.getByRole('heading', { name: 'tool look' }).waitFor()
    await press('[')
    await details.getByRole('heading', { name: 'model call 1' }).waitFor()
    await press('i')
    expect(await details.evaluate((panel) => panel === document.activeElement)).toBe(true)
    await press('Escape')
    await details.waitFor({ state: 'detached' })
    await step.focus()
    await press('ArrowRight')
    await details.waitFor()
    await page.getByRole('treeitem', { name: /^model call 1/ }).focus()
    await press('ArrowLeft')
    expect(await step.evaluate((row) => row === document.activeElement)).toBe(true)
    await press('ArrowLeft')
    await details.waitFor({ state: 'detached' })
  })

  test('In Time brackets move by one event, braces to a failure or a request, and Space plays to the end.', async () => {
    await openRun('rent', '?tab=time&at=1')
    const at = async () => Number(await page.getByLabel('Event', { exact: true }).inputValue())
    await page.getByText(/^Event 1: run\.started/).waitFor()
    await press(']', ']', '[')
    expect(await at()).toBe(1)
    await press('}')
    await page.getByText(/question\.asked/).waitFor()
    const asked = await at()
    await press(']', '{')
    expect(await at()).toBe(asked)
    await press('Space')
    await page.getByRole('button', { name: 'Stop' }).waitFor()
    await page.getByText(/run\.completed/).waitFor()
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor()
  })

  test('The list of the keys names each of them, and they act no longer once they are switched off.', async () => {
    await press('?')
    const list = page.getByRole('dialog', { name: 'Keys' })
    for (const text of ['select the row', 'Approve, Refuse', 'copy the id', 'play and stop', 'fold and unfold'])
      await list.getByText(text).waitFor()
    await list.getByLabel('Keyboard shortcuts').uncheck()
    await press('Escape')
    await openRun('one', '?tab=events')
    await press('w', 'c')
    await page.getByRole('region', { name: 'Events', exact: true }).waitFor()
    await press('?')
    expect(await list.isVisible()).toBe(false)
    expect(problems).toEqual([])
  })
})
