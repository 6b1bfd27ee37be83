/** 45 canaries: 15 are content of a user, which only the user's own reads may show, and 30 are secrets, which nothing may show. */
import { z } from 'zod'
import { defineAgent, defineMessage, defineTool, finish, LlmAgent, type Troupe } from '../../../src/index.ts'
import { MockModel } from '../../../src/testing/index.ts'
import { encodingsOf } from './find-canaries.ts'

/** Letters that every encoding writes otherwise. */
const canary = (kind: string, i: number) => `${kind}/${i}+Qz7"Vw~é?${(i * 7_919).toString(36)}-K9x`
export const contents = Array.from({ length: 15 }, (_, i) => canary('content', i))
export const secrets = Array.from({ length: 30 }, (_, i) => canary('secret', i))
export const secretNames = secrets.map((_, i) => `CANARY_${i}`)

/** Why a handler gave a message back: an error text, which the log shows to operators. */
export const errorText = contents[6] as string

const content = (i: number) => contents[i] as string
const Note = defineMessage('note')
const line = (name: string, more: readonly string[] = []) => [`Start -> ${name}`, `${name} -> End`, ...more]

/** @returns the runs in which canaries are */
export async function plantCanaries(troupe: Troupe, user: string): Promise<readonly string[]> {
  // From here on they are known as secrets.
  for (const name of secretNames) await troupe.secrets.get(name)
  const ada = troupe.user(user)
  await ada.context.push('value', content(0), { metadata: { note: content(1) } })
  await ada.context.push('large', `${content(2)} `.repeat(20_000))
  await ada.context.push('gone', content(3))
  await ada.context.delete('gone')
  const { messages } = ada.agent('Sender')
  await messages.send(Note, { text: content(4) }, { to: 'Box', metadata: { note: content(5) } })
  const { mailbox } = ada.agent('Box')
  for (let attempt = 0; attempt < 6; attempt++)
    for (const delivery of await mailbox.receive({ max: 1 })) await delivery.nack({ reason: errorText })
  await ada.memory('Talker').episodic.add(content(7))
  const talker = new LlmAgent({
    name: 'Talker',
    instructions: content(8),
    model: new MockModel({ responses: [content(9)] }),
  })
  await ada.session(talker, { threadId: 't' }).chat(content(10))
  return [await workingRun(troupe, user), ...(await failingRuns(troupe, user))]
}

async function workingRun(troupe: Troupe, user: string): Promise<string> {
  const worker = defineAgent({
    name: 'Worker',
    run: async (_, ctx) => {
      await ctx.effect('look', { class: 'read', input: { q: content(11) } }, () => ({ found: content(12) }))
      const answer = await ctx.ask({ text: content(13) })
      return finish(answer)
    },
  })
  const flows = line('Worker', ['Worker -> User', 'User -> Worker'])
  const run = await troupe.user(user).orchestra.start({ task: content(14), topology: { agents: [worker], flows } })
  const { questions } = await run.result()
  await run.answer(questions[0]?.id ?? '', content(14))
  await run.result()
  return run.id
}

/** A text in each form that the redactor recognises, as libraries quote secrets. */
export const quotedForms = (secret: string): readonly string[] => {
  const forms = encodingsOf(secret)
  const behind = ['', 'a', 'ab', 'user:'].map((before) => Buffer.from(`${before}${secret}`))
  return [
    secret,
    `Bearer ${secret}`,
    `https://x.test/?key=${encodeURIComponent(secret)}`,
    JSON.stringify({ key: secret }),
    ...behind.map((bytes) => `Basic ${bytes.toString('base64')}`),
    ...behind.map((bytes) => bytes.toString('base64url')),
    ...['hex', 'HEX', 'percent of each byte'].map((form) => String(forms.get(form))),
  ]
}

/** How many secrets an error holds: a longer text would be cut. */
const secretsPerRun = 8

/** Each secret comes out of a failing tool and a failing agent, in each form that libraries quote them in. */
async function failingRuns(troupe: Troupe, user: string): Promise<readonly string[]> {
  const runs: string[] = []
  for (let from = 0; from < secrets.length; from += secretsPerRun)
    runs.push(...(await failingWith(troupe, user, secrets.slice(from, from + secretsPerRun).flatMap(quotedForms))))
  return runs
}

async function failingWith(troupe: Troupe, user: string, leaks: readonly string[]): Promise<readonly string[]> {
  const leaky = defineTool({
    name: 'leaky',
    description: 'Fails with what it knows.',
    inputSchema: z.object({}),
    effect: 'read',
    execute: () => {
      throw Object.assign(new Error(leaks.join(' ')), { details: { leaks } })
    },
  })
  const model = new MockModel({ responses: [{ toolCalls: [{ name: 'leaky', args: {} }] }, 'It failed.'] })
  const caller = new LlmAgent({ name: 'Caller', model, tools: [leaky] })
  const failing = defineAgent({
    name: 'Failing',
    run: () => {
      throw new Error(leaks.join(' '), { cause: new Error(leaks.join('\n')) })
    },
  })
  const { orchestra } = troupe.user(user)
  const runs = []
  for (const agent of [caller, failing]) {
    const run = await orchestra.start({ task: 'go', topology: { agents: [agent], flows: line(agent.name) } as never })
    await run.result()
    runs.push(run.id)
  }
  return runs
}
