/** Contributors and moderators: the commands that each role has, and the calls that the server rejects. */
import type { Page } from 'playwright-core'
import { defineAgent } from 'troupe'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { createDeadLetter, type Played, play } from './studio-testbed.ts'

const sender = defineAgent({
  name: 'Sender',
  run: async (_, ctx) => {
    await ctx.effect('mail', { class: 'at-most-once', undo: async () => {} }, () => 'sent')
    return 'sent'
  },
})

describeInBrowser('The roles of the studio', (testbed) => {
  let played: Played
  let asking: string

  beforeAll(async () => {
    played = await testbed.use(play())
    const { orchestra, context } = played.troupe.user('default')
    const run = await orchestra.start({ team: 'letters', task: 'the invitation' })
    await run.result()
    asking = run.id
    await (await orchestra.start({ id: 'sent', agent: sender, task: 'the mail' })).result()
    const broken = defineAgent({ name: 'Broken', run: () => Promise.reject(new Error('out of paper')) })
    await (await orchestra.start({ id: 'failed', agent: broken, task: 'Print the menu' })).result()
    await orchestra.run({ agent: 'Echo', task: 'good morning', threadId: 'morning' })
    await context.push('letters.greeting', 'Dear Bob')
    await createDeadLetter(played.troupe)
  })

  const openAs = async (role: 'contributor' | 'moderator' | 'readonly') =>
    testbed.open({ link: await played.server.link({ users: ['default'], role }) })
  const viewsOf = async (page: Page) => {
    const navigation = page.getByRole('navigation', { name: 'Views', exact: true })
    await navigation.getByRole('link', { name: 'Runs' }).waitFor()
    return (await navigation.getByRole('link').allInnerTexts()).map((name) => name.replace(/\d+$/, '').trim())
  }
  /** Opens the address, waits for the text, and returns the names of the buttons of the view. */
  const buttonsOf = async (page: Page, address: string, text: string | RegExp) => {
    // The view before may have the text too.
    await page.goto('about:blank')
    await page.goto(`${played.server.url}/#/${address}`)
    await page.locator('main').getByText(text).first().waitFor()
    await page.waitForFunction(() => document.querySelector('.loading') === null)
    return page.locator('main').getByRole('button').allInnerTexts()
  }
  const commandsOf = async (page: Page, run: string, task: string) => {
    await buttonsOf(page, `runs/${run}`, task)
    return page.getByRole('group', { name: 'Commands of the run' }).getByRole('button').allInnerTexts()
  }
  const letter = async () => {
    const { items } = await played.troupe.user('default').agent('Stock').mailbox.deadLetters()
    return items[0]?.message.id ?? expect.fail('no dead letter')
  }
  /** Calls the server with the session of the page. Returns the status of the answer. */
  const call = (page: Page, method: string, path: string, body: unknown = {}) =>
    page.evaluate(
      async ([verb, at, text]) => {
        const headers = { 'content-type': 'application/json' }
        return (await fetch(at, { method: verb, body: text, headers })).status
      },
      [method, path, JSON.stringify(body)] as const,
    )
  const calls = async () => {
    const run = await played.troupe.user('default').orchestra.get(asking)
    const [question] = (await run.result()).questions
    const answer = { question: question?.id, value: { approve: true, hash: question?.hash } }
    return {
      push: ['PUT', '/v1/context/entries/letters.greeting', { value: 'Dear Cid' }],
      fork: ['POST', '/v1/runs/sent/fork', { at: 1, repeat: true }],
      undo: ['POST', '/v1/runs/sent/undo', {}],
      redrive: ['POST', `/v1/mailboxes/Stock/dead-letters/${await letter()}/redrive`, {}],
      approve: ['POST', `/v1/runs/${asking}/answers`, answer],
      key: ['POST', '/v1/api-keys', { name: 'mine', users: ['default'] }],
    } as const
  }

  test('A reader can neither approve nor push nor fork nor deliver again, also not without the page.', async () => {
    const page = await openAs('readonly')
    for (const [name, [method, path, body]] of Object.entries(await calls()))
      expect(await call(page, method, path, body), name).toBe(403)
    expect(played.sent).toEqual([])
    await page.context().close()
  })

  test('A contributor starts, answers, cancels, retries and writes, and does not fork, undo or deliver again.', async () => {
    const page = await openAs('contributor')
    expect(await viewsOf(page)).toEqual(
      'Home,Runs,Chat,Context,Messages,Teams,Agents,Schedules,Evaluations,Try it,Usage,Settings'.split(','),
    )
    for (const [run, task] of [
      [asking, 'the invitation'],
      ['failed', 'Print the menu'],
      ['sent', 'the mail'],
    ] as const)
      expect(await commandsOf(page, run, task), run).toEqual(['Pause', 'Cancel', 'Retry', 'Verify replay'])
    expect(await buttonsOf(page, `runs/${asking}`, 'Clerk asks')).toEqual(
      expect.arrayContaining(['Approve', 'Refuse…']),
    )
    expect(await buttonsOf(page, 'runs/sent?tab=time&at=2', /^Event 2/)).not.toContain('Fork here…')
    expect(await buttonsOf(page, 'context?key=letters.greeting', 'Dear Bob')).toContain('Edit')
    expect(await buttonsOf(page, 'messages/Stock', 'out of stock')).not.toContain('Deliver again')
    const chat = await buttonsOf(page, 'chat?with=Echo&thread=morning', 'You said: good morning')
    expect(chat).toEqual(expect.arrayContaining(['Send', 'Delete thread…']))
    expect(chat).not.toContain('Run again with…')
    const { push, fork, undo, redrive, key } = await calls()
    for (const [method, path, body] of [fork, undo, redrive, key])
      expect(await call(page, method, path, body), path).toBe(403)
    expect(await call(page, ...push)).toBe(200)
    await page.goto(`${played.server.url}/#/runs/${asking}`)
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
    expect(played.sent).toEqual(['Bob'])
    await page.context().close()
  })

  test('A moderator forks, undoes and delivers again as well, and makes no API key.', async () => {
    const page = await openAs('moderator')
    expect(await viewsOf(page)).toEqual(
      'Home,Runs,Chat,Context,Messages,Teams,Agents,Schedules,Evaluations,Playground,Try it,Usage,Audit,Settings'.split(
        ',',
      ),
    )
    const all = ['Pause', 'Cancel', 'Retry', 'Fork…', 'Undo…', 'Verify replay']
    expect(await commandsOf(page, 'sent', 'the mail')).toEqual(all)
    expect(await buttonsOf(page, 'runs/sent?tab=time&at=2', /^Event 2/)).toContain('Fork here…')
    expect(await buttonsOf(page, 'chat?with=Echo&thread=morning', 'You said: good morning')).toContain(
      'Run again with…',
    )
    const keys = await buttonsOf(page, 'keys', /.+/)
    expect(keys).not.toContain('Make')
    const { fork, key } = await calls()
    expect(await call(page, ...key)).toBe(403)
    expect(await call(page, ...fork)).toBe(201)
    await buttonsOf(page, 'messages/Stock', 'out of stock')
    await page.getByRole('button', { name: 'Deliver again' }).click()
    await page.getByText('out of stock').waitFor({ state: 'detached' })
    expect(await played.troupe.user('default').agent('Stock').mailbox.counts()).toMatchObject({ dead: 0 })
    await page.context().close()
  })
})
