/** Forks with another model and with other instructions, on the view of a run and beside the answers of a chat. */
import type { Locator, Page } from 'playwright-core'
import { createTroupe, defineAgent, LlmAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

describeInBrowser('The changes of a fork', (testbed) => {
  const first = new MockModel({ modelId: 'first', responses: ['Yes.', 'Yes, briefly.', 'Yes, once more.', 'Yes!'] })
  const second = new MockModel({ modelId: 'second', responses: ['No.', 'No, once more.'] })
  let troupe: Troupe
  let server: Served
  let page: Page

  beforeAll(async () => {
    const oracle = new LlmAgent({ name: 'Oracle', instructions: 'Say yes.', model: first })
    troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      agents: [oracle],
      models: { registry: { second } },
    })
    await troupe.user('default').orchestra.run({ id: 'asked', agent: 'Oracle', task: 'Is it so?' })
    server = await testbed.serve(troupe)
    page = await testbed.open({ link: await server.link() })
  })

  const systemOf = (model: MockModel) => {
    const system = model.calls.at(-1)?.prompt[0]
    return system?.role === 'system' ? system.content : ''
  }
  /** Starts the fork with the change that is chosen and typed. */
  const fork = async (within: Page | Locator, change: string, text: string) => {
    const form = within.getByRole('group', { name: 'Fork from here' })
    await form.getByRole('combobox', { name: 'Change' }).selectOption({ label: change })
    const start = form.getByRole('button', { name: 'Fork from here' })
    await expect.poll(() => start.isDisabled()).toBe(true)
    await form.getByRole('textbox', { name: change }).fill(text)
    await start.click()
  }
  /** The newest run, once it has ended. */
  const newestResult = async () => {
    const { orchestra } = troupe.user('default')
    const [newest] = (await orchestra.list({ limit: 1 })).items
    return (await orchestra.get(newest?.id ?? '')).result()
  }

  test('A fork with another model is answered by that model, and by no other.', async () => {
    await page.goto(`${server.url}/#/runs/asked`)
    await page.getByRole('button', { name: 'Fork…' }).click()
    await fork(page, 'The model', 'second')
    await page.waitForURL((url) => !url.href.includes('asked'))
    await page.getByRole('region', { name: 'Response of the team' }).getByText('No.').waitFor()
    expect([first.calls.length, second.calls.length]).toEqual([1, 1])
    expect(systemOf(second)).toBe('Say yes.')
    expect(await newestResult()).toMatchObject({ response: 'No.' })
  })

  test('A fork with other instructions shows their difference, and its model receives them.', async () => {
    await page.goto(`${server.url}/#/runs/asked`)
    await page.getByRole('button', { name: 'Fork…' }).click()
    const form = page.getByRole('group', { name: 'Fork from here' })
    const instructions = 'The instructions of an agent'
    await form.getByRole('combobox', { name: 'Change' }).selectOption({ label: instructions })
    await expect.poll(() => form.getByRole('textbox', { name: instructions }).inputValue()).toBe('Say yes.')
    await form.getByRole('textbox', { name: instructions }).fill('Say yes, briefly.')
    await form.getByLabel('Change of the instructions of Oracle').getByText('Say yes, briefly.').waitFor()
    await fork(page, instructions, 'Say yes, briefly.')
    await page.waitForURL((url) => !url.href.includes('asked'))
    await page.getByRole('region', { name: 'Response of the team' }).getByText('Yes, briefly.').waitFor()
    expect([first.calls.length, second.calls.length]).toEqual([2, 1])
    expect(systemOf(first)).toBe('Say yes, briefly.')
  })

  test('A model that no server knows starts no fork, and the form stays as it was typed.', async () => {
    await page.goto(`${server.url}/#/runs/asked`)
    await page.getByRole('button', { name: 'Fork…' }).click()
    await fork(page, 'The model', 'third')
    const form = page.getByRole('group', { name: 'Fork from here' })
    await form.getByText(/third/).last().waitFor()
    expect(await form.getByRole('textbox', { name: 'The model' }).inputValue()).toBe('third')
    expect((await troupe.user('default').orchestra.list({ limit: 10 })).items).toHaveLength(3)
  })

  test('A message of a chat is run again with another model and with other instructions, beside its answer.', async () => {
    await page.goto(`${server.url}/#/chat?with=Oracle`)
    await page.getByRole('textbox', { name: 'Message' }).fill('Is it still so?')
    await page.getByRole('button', { name: 'Send' }).click()
    const message = page.getByRole('listitem').filter({ hasText: 'Is it still so?' }).first()
    await message.getByRole('group', { name: 'Answer of Oracle', exact: true }).getByText('Yes, once more.').waitFor()
    const others = message.getByRole('group', { name: 'Other answer of Oracle' })
    for (const [change, text, answer] of [
      ['The model', 'second', 'No, once more.'],
      ['The instructions of an agent', 'Shout.', 'Yes!'],
    ] as const) {
      await message.getByRole('button', { name: 'Run again with…' }).click()
      await fork(message, change, text)
      await others.getByText(answer, { exact: true }).waitFor()
    }
    expect(await others.count()).toBe(2)
    expect([first.calls.length, second.calls.length]).toEqual([4, 2])
    expect([systemOf(first), systemOf(second)]).toEqual(['Shout.', 'Say yes.'])
  })

  test('A fork takes the result that is typed for an agent for that agent alone.', async () => {
    const agents = ['A', 'B'].map((name) => defineAgent({ name, run: async () => name }))
    const flows = ['A -> B', 'B -> End']
    await troupe.user('default').orchestra.run({ id: 'pair', task: 'Who?', topology: { agents, flows } })
    await page.goto(`${server.url}/#/runs/pair?tab=time&at=1&fork=true`)
    const form = page.getByRole('group', { name: 'Fork from here' })
    await form.getByRole('combobox', { name: 'Change' }).selectOption('result')
    const editor = form.getByRole('textbox', { name: 'The next result of an agent' })
    await editor.fill('"other"')
    await form.getByRole('combobox', { name: 'Agent' }).selectOption('B')
    await expect.poll(async () => (await editor.innerText()).trim()).toBe('')
    expect(await form.getByRole('button', { name: 'Fork from here' }).isDisabled()).toBe(true)
  })
})
