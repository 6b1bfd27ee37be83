/** Questions of runs that are answered by messages, on each storage, in another process than the run's. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { AnswerQuestion, createTroupe, defineAgent, finish, patterns, type Troupe } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('answers')
const folder = mkdtempSync(join(tmpdir(), 'troupe-answers-'))
const asker = defineAgent({ name: 'Asker', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
const topology = patterns.pipeline({ stages: [{ agents: [asker] }] })

const opened: Troupe[] = []
afterEach(() => Promise.all(opened.splice(0).map((troupe) => troupe.close())))
afterAll(async () => {
  rmSync(folder, { recursive: true })
  if (missing === undefined) await dropSchema(schema)
})
const open = async (storage: string | { url: string; schema: string }) => {
  const troupe = await createTroupe({ storage, log: 'silent', agents: [asker] })
  opened.push(troupe)
  return troupe
}
const ask = async (troupe: Troupe) => {
  const run = await troupe.user('ada').orchestra.start({ task: 'x', topology })
  const { questions } = await run.result()
  return { run, question: questions[0]?.id ?? '' }
}
const until = async (holds: () => Promise<boolean>) => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('an answer that comes as a message', () => {
  test('An answer by message resumes the run once, and a second or unauthorised one is dead-lettered with the reason.', async () => {
    const troupe = await open('memory:')
    const ada = troupe.user('ada')
    await ada.acceptAnswers({ from: ['Desk', 'Bot'], approvals: ['Desk'] })
    const { run, question } = await ask(troupe)
    const send = (from: string, value: string | { approve: boolean }, to = question) =>
      ada.agent(from).messages.send(AnswerQuestion, { run: run.id, question: to, value }, { to: 'Answers' })
    await send('Stranger', 'green')
    await send('Bot', { approve: true })
    await send('Desk', 'green', 'no such question')
    await until(async () => (await ada.agent('Answers').mailbox.counts()).dead === 3)
    expect(await run.status()).toMatchObject({ status: 'waiting' })
    const request = { run: run.id, question, value: 'red' }
    const reply = await ada.agent('Bot').messages.request(AnswerQuestion, request, { to: 'Answers', timeout: '30s' })
    expect(reply).toEqual({ answered: true })
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'red' })
    await send('Desk', 'blue')
    await until(async () => (await ada.agent('Answers').mailbox.counts()).dead === 4)
    const { items } = await ada.agent('Answers').mailbox.deadLetters()
    expect(items.map(({ reason }) => reason).sort()).toEqual([
      expect.stringContaining('of Bot'),
      expect.stringContaining('of Desk'),
      expect.stringContaining('of Desk'),
      expect.stringContaining('of Stranger'),
    ])
    const incidents = (await troupe.audit.incidents({ user: 'ada' })).items
    expect(incidents.map(({ actor, operation }) => `${actor} ${operation}`).sort()).toEqual([
      'Bot approve',
      'Stranger answer',
    ])
    // Another user's run is none that can be named.
    const bob = troupe.user('bob')
    await bob.acceptAnswers({ from: ['Desk'] })
    await bob.agent('Desk').messages.send(AnswerQuestion, request, { to: 'Answers' })
    await until(async () => (await bob.agent('Answers').mailbox.counts()).dead === 1)
  })

  test('An answer by message waits in a file until it is accepted.', async () => {
    const storage = `sqlite:${join(folder, 'troupe.db')}`
    const first = await open(storage)
    const { run, question } = await ask(first)
    const answer = { run: run.id, question, value: 'red' }
    await first.user('ada').agent('Desk').messages.send(AnswerQuestion, answer, { to: 'Answers' })
    await opened.pop()?.close()
    const ada = (await open(storage)).user('ada')
    await ada.acceptAnswers({ from: ['Desk'] })
    expect(
      await until(async () => (await (await ada.orchestra.get(run.id)).status()).status === 'completed'),
    ).toBeUndefined()
    expect(await (await ada.orchestra.get(run.id)).result()).toMatchObject({ response: 'red' })
  })

  test.skipIf(missing !== undefined)(
    'An answer by message is given by the process that claims it.',
    async () => {
      const [here, there] = [await open({ url: server, schema }), await open({ url: server, schema })]
      await there.user('ada').acceptAnswers({ from: ['Desk'] })
      await here.user('ada').acceptAnswers({ from: ['Desk'] })
      const { run, question } = await ask(here)
      const answer = { run: run.id, question, value: 'red' }
      await there.user('ada').agent('Desk').messages.send(AnswerQuestion, answer, { to: 'Answers' })
      await until(async () => (await run.status()).status === 'completed')
      const events = []
      for await (const event of run.events()) if (event.type === 'question.answered') events.push(event)
      expect(events).toHaveLength(1)
    },
    60_000,
  )
})
