/** Questions of child runs of child runs, which callers address through the runs above. */
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { type Agent, defineAgent, defineTool, finish, LlmAgent } from '../../index.ts'
import { MockModel } from '../../testing/index.ts'
import { caller, Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

const solo = (agent: Agent) => ({ agents: [agent], flows: [`Start -> ${agent.name}`, `${agent.name} -> End`] })
const above = (name: string, agent: Agent) =>
  defineAgent({
    name,
    run: async (_, ctx) => {
      const run = await ctx.startRun({ task: 'sub', topology: solo(agent) })
      return finish((await run.result()).response ?? null)
    },
  })

/** Starts a run whose grandchild run asks, and returns the question as the run shows it. */
async function ask(asking: Agent) {
  const outer = above('Outer', above('Middle', asking))
  const { troupe, url } = await servers.start({ agents: [outer] }, { authentication: 'required' })
  const run = await troupe.user('ada').orchestra.start({ task: 't', topology: solo(outer) })
  const { questions } = await run.result()
  const question = questions[0] as (typeof questions)[number]
  expect(question.id.split('::')).toHaveLength(3)
  const as = async (agent: string, operations: readonly string[]) => {
    const { key } = await troupe.apiKeys.create({ name: 'n', users: ['ada'], agent, operations } as never)
    return caller(url, { authorization: `Bearer ${key}` })
  }
  return { run, question, as }
}

it('An agent cannot approve its own call in a child run of a child run, through the run above both.', async () => {
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    inputSchema: z.object({}),
    effect: 'at-most-once',
    needsApproval: true,
    execute: async () => 'paid',
  })
  const model = new MockModel({ responses: [{ text: '', toolCalls: [{ name: 'pay', args: {} }] }, 'done'] })
  const { run, question, as } = await ask(new LlmAgent({ name: 'Payer', model, tools: { pay } }))
  const payer = await as('Payer', ['runs.answer', 'runs.approve'])
  const value = { approve: true, hash: question.hash }
  const own = await payer('POST', `/v1/runs/${run.id}/answers`, { question: question.id, value })
  expect(own).toMatchObject({ status: 403, body: { code: 'request.forbidden' } })
  const other = await as('Other', ['runs.answer', 'runs.approve'])
  const approved = await other('POST', `/v1/runs/${run.id}/answers`, { question: question.id, value })
  expect(approved.status).toBeLessThan(300)
})

it('An agent that asks in a child run of a child run may answer its question, and another agent may not.', async () => {
  const asking = defineAgent({ name: 'Asker::One', run: async (_, ctx) => finish(await ctx.ask({ text: 'Well?' })) })
  const { run, question, as } = await ask(asking)
  const body = { question: question.id, value: 'yes' }
  const other = await (await as('Other', ['runs.answer']))('POST', `/v1/runs/${run.id}/answers`, body)
  expect(other.status).toBe(404)
  const own = await (await as('Asker::One', ['runs.answer']))('POST', `/v1/runs/${run.id}/answers`, body)
  expect(own.status).toBeLessThan(300)
})
