/** Chats with several answers in progress, which share the connections of the browser, and the field of the first message. */
import type { Page } from 'playwright-core'
import { createTroupe, defineAgent, finish, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

describeInBrowser('The chat of the studio', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page

  beforeAll(async () => {
    const asker = defineAgent({ name: 'Asker', run: async (_, ctx) => finish(await ctx.ask({ text: 'Who?' })) })
    const slow = defineAgent({
      name: 'Slow',
      run: (_, ctx) =>
        new Promise((_resolve, reject) =>
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error)),
        ),
    })
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [asker, slow] })
    server = await testbed.serve(troupe)
    page = await testbed.open({ link: await server.link() })
  })

  const send = async (partner: string, text: string) => {
    await page.goto(`${server.url}/#/chat?with=${partner}`)
    await page.getByRole('textbox', { name: 'Message' }).fill(text)
    await page.keyboard.press('Enter')
    await page.getByRole('group', { name: `Answer of ${partner}`, exact: true }).waitFor()
  }
  /** Forks the answer at its beginning, so often. */
  const forkAnswers = async (partner: string, times: number) => {
    for (let i = 0; i < times; i++) {
      await page.getByRole('button', { name: 'Run again with…' }).click()
      await page.getByRole('button', { name: 'Fork from here' }).click()
      await page
        .getByRole('group', { name: `Other answer of ${partner}` })
        .nth(i)
        .getByText('Open run')
        .waitFor()
    }
    return page.getByRole('group', { name: `Other answer of ${partner}` })
  }

  test('A chat keeps the focus in the field of the first message, so that the next one can be typed at once.', async () => {
    await page.goto(`${server.url}/#/chat?with=Asker`)
    await page.getByRole('textbox', { name: 'Message' }).fill('hello')
    await page.keyboard.press('Enter')
    await page.getByText('Who?').waitFor()
    await page.keyboard.type('g h is no key here')
    expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe('g h is no key here')
    await page.getByRole('button', { name: 'New thread' }).click()
    await page.getByText('Write a message: Asker answers it here.').waitFor()
    expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe('')
    const { items } = await troupe.user('default').orchestra.list({ agent: 'Asker' })
    await page.getByRole('textbox', { name: 'Message' }).fill('another thread')
    await page.keyboard.press('Enter')
    await page.getByText('Who?').waitFor()
    const [newest] = (await troupe.user('default').orchestra.list({ agent: 'Asker' })).items
    expect([newest?.title, newest?.threadId === items[0]?.threadId]).toEqual(['another thread', false])
  })

  test('A chat with four answers that wait for a person still sends the reply to the last of them.', async () => {
    await send('Asker', 'Ask somebody')
    const others = await forkAnswers('Asker', 3)
    await page.reload()
    await others.nth(2).getByLabel('Answer').fill('Ada')
    await others.nth(2).getByRole('button', { name: 'Answer' }).click()
    await others.nth(2).getByText('completed').waitFor()
    await others.nth(2).getByText('Ada', { exact: true }).waitFor()
  })

  test('A chat with four answers in progress still stops each of them.', async () => {
    await send('Slow', 'Take your time')
    const others = await forkAnswers('Slow', 3)
    for (const index of [2, 0, 1]) {
      await others.nth(index).getByRole('button', { name: 'Stop' }).click()
      await others.nth(index).getByText('cancelled').first().waitFor()
    }
  })
})
