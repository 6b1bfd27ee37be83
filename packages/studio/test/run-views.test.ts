/** A run in progress, its timeline, its past, its comparison and its chat in a real browser, over a real server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import {
  createTroupe,
  defineAgent,
  defineMessage,
  defineTool,
  finish,
  LlmAgent,
  type Orchestra,
  type TopologyForm,
  type Troupe,
} from 'troupe'
import type { Served } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { describeInBrowser } from './browser-testbed.ts'
import { PausingModel } from './pausing-model.ts'

const Note = defineMessage('note', z.object({ text: z.string() }))
const Question = defineMessage('question', z.string(), { reply: z.string() })

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  execute: async ({ q }) => {
    await sleep(300)
    return `seen ${q}`
  },
})

describeInBrowser('The views of a run', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page
  const problems: string[] = []

  const openRun = async (id: string, search = '') => {
    await page.goto(`${server.url}/#/runs/${id}${search}`)
    await page.getByRole('status', { name: 'Status of the run' }).waitFor()
  }
  const checkAccessibility = async () => {
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
  }
  const start = (options: Parameters<Orchestra['start']>[0]) => troupe.user('default').orchestra.start(options)
  const alone = (agent: { readonly name: string }) =>
    ({ agents: [agent], flows: [`${agent.name} -> End`] }) as unknown as TopologyForm
  const region = (name: string | RegExp) => page.getByRole('region', { name })
  const chattyModel = new PausingModel({
    responses: [
      { reasoning: 'I look first.', text: 'pause here', toolCalls: [{ name: 'look', args: { q: 'tea' } }] },
      { reasoning: 'It is hot.', text: '# Tea\n\nThe tea is pause hot. <b>Really</b>' },
    ],
  })

  beforeAll(async () => {
    const chatty = new LlmAgent({ name: 'Chatty', model: chattyModel, tools: { look } })
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [chatty] })
    server = await testbed.serve(troupe)
    page = await testbed.open({ permissions: ['clipboard-read', 'clipboard-write'] })
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(await server.link())
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  })

  test('The inspector shows text and reasoning of a step in progress as they arrive, and then the record with its cached tokens.', async () => {
    const model = new PausingModel({
      responses: [{ reasoning: 'I think.', text: 'Once there pause was tea.', finish: 'length' }],
    })
    const gate = Promise.withResolvers<void>()
    const agent = new LlmAgent({ name: 'Slowly', instructions: () => gate.promise.then(() => 'Tell.'), model })
    const run = await start({ task: 't', topology: alone(agent), config: { verbosity: 'verbose' } })
    await openRun(run.id)
    await page.getByRole('treeitem', { name: /^Slowly/ }).click()
    await page.getByRole('complementary').getByText('It called nothing outside Troupe.').waitFor()
    await page.getByText(/1 step · 0 tokens so far$/).waitFor()
    gate.resolve()
    await expect.poll(() => region('Answer of Slowly as it arrives').innerText()).toBe('Once there ')
    expect(await region('Reasoning of Slowly as it arrives').innerText()).toBe('I think.')
    await checkAccessibility()
    model.open()
    await page.getByRole('treeitem', { name: /^model call 1/ }).click()
    await expect.poll(() => region(/^model 1 of Slowly/).innerText()).toBe('Once there pause was tea.')
    expect(await region(/^Reasoning of model 1 of Slowly/).innerText()).toBe('I think.')
    expect(await region(/as it arrives/).count()).toBe(0)
    const facts = (await page.getByRole('complementary').locator('.facts').innerText()).replace(/\s+/g, ' ')
    expect(facts).toContain('Cut off at the maximum number of tokens Tokens in 1,000 From the cache 800 Tokens out 20')
  })

  test('A chat shows the answer as it streams, its tool calls, and then the answer as Markdown without HTML.', async () => {
    await page.goto(`${server.url}/#/chat?with=Chatty`)
    await page.getByRole('textbox', { name: 'Message' }).fill('tell me of tea')
    const stream = page.waitForResponse((response) => response.url().endsWith('/live'))
    await page.getByRole('button', { name: 'Send' }).click()
    await stream
    chattyModel.open()
    const answer = page.getByRole('group', { name: 'Answer of Chatty' })
    await answer.getByText('The tea is').waitFor()
    await answer.getByText('running').waitFor()
    expect(await answer.innerText()).not.toContain('hot')
    const calls = answer.getByRole('list', { name: 'Tool calls of Chatty' })
    await calls.getByText('look', { exact: true }).click()
    await calls.getByText('done').waitFor()
    const args = region(/^Arguments of look of Chatty/)
    expect(JSON.parse(await args.innerText())).toEqual({ q: 'tea' })
    chattyModel.open()
    await answer.getByRole('heading', { name: 'Tea' }).waitFor()
    expect(await answer.innerText()).toContain('The tea is pause hot. <b>Really</b>')
    await checkAccessibility()
    await page.reload()
    await calls.getByText('look', { exact: true }).click()
    expect(JSON.parse(await args.innerText())).toEqual({ q: 'tea' })
    expect(await region(/^Result of look of Chatty/).innerText()).toContain('seen tea')
    await calls.getByRole('link', { name: 'its step' }).click()
    await page.getByRole('complementary').getByRole('heading', { name: 'tool look' }).waitFor()
  })

  test('The prompt of a later call has the reasoning of the earlier answer as a part of its own.', async () => {
    await page.getByRole('treeitem', { name: /^model call 2/ }).click()
    expect(await region(/^Reasoning in message \d of the prompt of model call 2 of Chatty/).innerText()).toBe(
      'I look first.',
    )
  })

  test('The timeline draws the bars of calls at their times, and the attempts that failed.', async () => {
    let attempts = 0
    const flaky = defineAgent({
      name: 'Flaky',
      run: async (_, ctx) => {
        await ctx.effect('first', { class: 'at-most-once' }, () => sleep(300).then(() => 1))
        await ctx.effect('second', { class: 'at-most-once' }, () => sleep(300).then(() => 2))
        if (attempts++ === 0) throw new Error('out of paper')
        return finish('printed')
      },
    })
    const config = { onError: { '*': { retry: { attempts: 2, backoff: '300ms' } } } } as const
    const run = await start({ task: 'print', topology: alone(flaky), config })
    await run.result()
    await openRun(run.id)
    const failed = page.getByRole('treeitem', { name: /^Flaky.*failed: attempt 1/ })
    const retry = page.getByRole('treeitem', { name: /^Flaky.*done: attempt 2/ })
    await failed.waitFor()
    const spanOf = async (bar: ReturnType<Page['locator']>) => {
      const { x, width } = (await bar.boundingBox()) ?? expect.fail('no bar')
      return { from: x, to: x + width }
    }
    const [before, pause, after] = [
      await spanOf(failed.locator('.bar')),
      await spanOf(retry.locator('.wait')),
      await spanOf(retry.locator('.bar')),
    ]
    expect(Math.abs(pause.from - before.to)).toBeLessThan(2)
    expect(Math.abs(pause.to - after.from)).toBeLessThan(2)
    expect(pause.to - pause.from).toBeGreaterThan(20)
    await failed.click()
    const first = await spanOf(page.getByRole('treeitem', { name: /^effect first/ }).locator('.bar'))
    const second = await spanOf(page.getByRole('treeitem', { name: /^effect second/ }).locator('.bar'))
    expect(first.to - first.from).toBeGreaterThan(10)
    expect(second.from).toBeGreaterThanOrEqual(first.to - 2)
  })

  test('The timeline folds a long wait, and draws it as long as it lasted when the reader asks for the wall clock.', async () => {
    const asking = defineAgent({
      name: 'Asking',
      run: async (_, ctx) => {
        await ctx.effect('look', { class: 'read' }, () => sleep(150).then(() => 'seen'))
        return finish((await ctx.ask({ text: 'May I?' })) as never)
      },
    })
    const run = await start({ task: 'tea', topology: alone(asking) })
    await expect.poll(async () => (await run.result()).status).toBe('waiting')
    await openRun(run.id)
    const widthOf = async (look: string) =>
      (await page.getByRole('tree', { name: 'Steps' }).locator(look).boundingBox())?.width ?? 0
    const fold = page.locator('.step-axis .fold')
    // The wait grows, and the work before it keeps its part of the axis.
    await sleep(2_000)
    await page.reload()
    await fold.waitFor()
    expect(await fold.getAttribute('title')).toMatch(/^Nothing worked for [2-9]/)
    const isMostlyWork = async () => (await widthOf('.wait')) < (await widthOf('.bar')) / 2
    expect(await isMostlyWork()).toBe(true)
    const wallClock = page.getByRole('button', { name: 'Wall clock' })
    await wallClock.click()
    await fold.waitFor({ state: 'detached' })
    expect(await isMostlyWork()).toBe(false)
    await page.reload()
    await expect.poll(() => wallClock.getAttribute('aria-pressed')).toBe('true')
    await wallClock.click()
    await fold.waitFor()
    await checkAccessibility()
    await run.cancel()
  })

  test('The timeline draws a model call, a wait for a person and a tool one after the other, each at its time.', async () => {
    const buy = defineTool({
      name: 'buy',
      description: 'Buys.',
      inputSchema: z.object({}),
      effect: 'at-most-once',
      needsApproval: true,
      execute: () => sleep(400).then(() => 'bought'),
    })
    const model = new MockModel({
      responses: [
        { toolCalls: [{ name: 'buy', args: {} }], latency: 400 },
        { text: 'It is bought.', latency: 400 },
      ],
    })
    const run = await start({
      task: 'tea',
      topology: alone(new LlmAgent({ name: 'Buyer', model, tools: { buy } })),
    })
    await expect.poll(async () => (await run.result()).status).toBe('waiting')
    await sleep(800)
    const [question] = (await run.result()).questions
    await run.answer(question?.id as string, { approve: true, hash: question?.hash ?? null })
    expect(await run.result()).toMatchObject({ response: 'It is bought.' })
    const at = new Map<string, number>()
    for await (const event of run.events()) at.set(event.type, event.at)
    const timeOf = (type: string) => at.get(type) ?? expect.fail(`no event ${type}`)
    await openRun(run.id)
    await page.getByRole('treeitem', { name: /^Buyer/ }).click()
    const rows = [/^model call 1/, /^wait/, /^tool buy/, /^model call 2/]
    await page.getByRole('treeitem', { name: rows[3] as RegExp }).waitFor()
    const axis =
      (await page
        .getByRole('treeitem', { name: /^Buyer/ })
        .locator('.bar')
        .boundingBox()) ?? expect.fail()
    const [begun, ended] = [timeOf('step.started'), timeOf('step.completed')]
    /** The times that the bar of a row spans, in ms since the start of the step. */
    const spanOf = async (name: RegExp) => {
      const bar = page.getByRole('treeitem', { name }).locator('.step-bar > *')
      const { x, width } = (await bar.boundingBox()) ?? expect.fail(`no bar of ${name}`)
      const inMs = (px: number) => ((px - axis.x) / axis.width) * (ended - begun)
      return { from: inMs(x), to: inMs(x + width) }
    }
    const [first, wait, tool, second] = await Promise.all(rows.map(spanOf))
    const spans = [first, wait, tool, second].map((span) => span ?? expect.fail('no span'))
    // A pixel of the bar is some ms, a call begins at the commit before it, and a wait ends when the answer is delivered.
    const inaccuracy = (ended - begun) / 20
    expect(Math.abs((wait?.from ?? 0) - (timeOf('step.waiting') - begun))).toBeLessThan(inaccuracy)
    expect(Math.abs((wait?.to ?? 0) - (timeOf('question.answered') - begun))).toBeLessThan(inaccuracy)
    for (const [i, { from, to }] of spans.entries()) {
      expect(to - from, String(rows[i])).toBeGreaterThan(300)
      expect(from, String(rows[i])).toBeGreaterThanOrEqual((spans[i - 1]?.to ?? 0) - inaccuracy)
    }
  })

  test('Time shows mailboxes and prompts as they were at an event.', async () => {
    const model = new PausingModel({ responses: ['me'] })
    const knows = new LlmAgent({ name: 'Knows', instructions: 'You know.', model })
    const asks = defineAgent({
      name: 'Asks',
      run: async (_, ctx) => {
        await ctx.messages.send(Note, { text: 'read this' }, { to: 'Clerk' })
        return finish(await ctx.messages.request(Question, 'who is it?', { to: 'Knows' }))
      },
    })
    const flows = ['Start -> Asks', 'Asks <-> Knows', 'Asks -> End']
    const run = await start({ task: 't', topology: { agents: [asks, knows], flows } as unknown as TopologyForm })
    expect(await run.result()).toMatchObject({ status: 'completed' })
    await openRun(run.id, '?tab=time')
    const time = region('Time')
    const row = (name: RegExp) => time.getByRole('row', { name })
    const note = time.getByRole('region', { name: 'Mailbox Clerk' }).getByRole('row', { name: /^note from Asks/ })
    await note.getByText('waiting').waitFor()
    await row(/^question from Asks .*handled who is it\?/).waitFor()
    await time.getByText('Prompts until here').click()
    const prompt = time.getByRole('region', { name: /^Prompt of model call 1 of Knows/ })
    await prompt.getByText('You know.').waitFor()
    await checkAccessibility()
    await time.getByRole('slider', { name: 'Event' }).fill('2')
    await time.getByText('Until here no step has sent a message.').waitFor()
    await prompt.waitFor({ state: 'detached' })
    await time.getByRole('slider', { name: 'Event' }).press('End')
    await note.getByRole('link', { name: 'Open in Messages' }).click()
    // The link opens the message in its mailbox, and its source leads back to the run and to the step.
    await page.getByRole('heading', { level: 1, name: 'Clerk' }).waitFor()
    const message = region('Message')
    await message.getByText('read this').waitFor()
    await message.getByText('Where it comes from').click()
    await message.getByRole('link', { name: '1#1', exact: true }).click()
    await page.getByRole('complementary').getByRole('heading', { name: /Asks/ }).waitFor()
    await page.goBack()
    await message.getByText('Where it comes from').click()
    await message.getByRole('link', { name: run.id }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
    expect(page.url()).toMatch(new RegExp(`/runs/${run.id}$`))
  })

  test('Two runs stand side by side, with the first step that differs marked in both.', async () => {
    const first = defineAgent<string, string>({ name: 'First', run: async () => 'the same' })
    const second = defineAgent<string, string>({ name: 'Second', run: async () => finish(words.pop()) as never })
    const words = ['green', 'black']
    const topology = { agents: [first, second], flows: ['First -> Second'] } as unknown as TopologyForm
    for (const id of ['black', 'green']) await (await start({ id, task: 'tea', topology })).result()
    await openRun('black', '?tab=compare&other=green')
    for (const [side, word] of [
      ['this run', 'black'],
      ['the other run', 'green'],
    ] as const) {
      const steps = page.getByRole('list', { name: `Steps of ${side}` }).getByRole('listitem')
      await expect.poll(() => steps.count()).toBe(2)
      expect(await steps.first().innerText()).toMatch(/^First\s+done\s+the same/)
      const marked = page.getByRole('list', { name: `Steps of ${side}` }).locator('[aria-current=step]')
      expect(await marked.innerText()).toMatch(/^Second\s+done\s+first difference/)
      expect(await marked.innerText()).toContain(word)
    }
    await checkAccessibility()
  })

  test('Why follows the run, and a question has an address.', async () => {
    const asks = defineAgent({ name: 'Curious', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which tea?' })) })
    const topology = { agents: [asks], flows: ['Start -> Curious', 'Curious <-> User', 'Curious -> End'] }
    const run = await start({ task: 'tea', topology: topology as unknown as TopologyForm })
    const [question] = (await run.result()).questions
    const id = question?.id ?? expect.fail('no question')
    await openRun(run.id, '?tab=why')
    const why = region('Why')
    await why.getByText(/Which tea\?/).waitFor()
    await page.getByRole('button', { name: 'Copy link to the question' }).click()
    const address = await page.evaluate(() => navigator.clipboard.readText())
    await page.goto('about:blank')
    await page.goto(address)
    const asked = page.getByRole('group', { name: 'Question of Curious' })
    await expect.poll(() => asked.evaluate((card) => document.activeElement?.contains(card))).toBe(true)
    await openRun(run.id, '?tab=why')
    const before = await why.innerText()
    await run.answer(id, 'green')
    await expect.poll(() => why.innerText()).not.toBe(before)
    await run.result()
    await expect.poll(() => why.innerText()).not.toMatch(/waits|at work/)
  })

  test('The id of a run and a value are copied as they are.', async () => {
    const value = { to: '\u202eBob' }
    const run = await start({
      task: value,
      topology: alone(defineAgent({ name: 'Copied', run: async (task) => task })),
    })
    await run.result()
    await openRun(run.id)
    const copied = () => page.evaluate(() => navigator.clipboard.readText())
    await page.getByRole('button', { name: 'Copy id of the run' }).click()
    await expect.poll(copied).toBe(run.id)
    await page.getByRole('button', { name: 'Copy Task of the team' }).click()
    await expect.poll(async () => JSON.parse(await copied())).toEqual(value)
    await page.getByRole('treeitem', { name: /^Copied/ }).click()
    await page.getByRole('button', { name: 'Copy the step' }).click()
    await expect.poll(copied).toBe('1#1')
  })

  test('No view of a run throws.', () => {
    expect(problems).toEqual([])
  })
})
