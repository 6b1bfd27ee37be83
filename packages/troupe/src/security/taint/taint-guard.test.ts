/**
 * The policy against a model that obeys whoever speaks to it: on every way by which untrusted text can reach an agent that
 * has seen what must not leave, nothing goes out before a person has agreed. Each attack is shown to work where the policy
 * only reports, and its harmless twin is not held up.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineTool, Worker } from '../../index.ts'
import { attackPaths, line, Note, runLine } from './injection-routes.test.fixture.ts'
import { call, injection, openTaintTestbed, sinkNames, type TaintTestbed } from './taint-testbed.test.fixture.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})
async function attacked(attackPath: string, options: Parameters<typeof openTaintTestbed>[0], report = false) {
  const mode = report ? ({ taint: 'report' } as const) : {}
  const testbed = await openTaintTestbed(options, report ? { policy: mode } : {})
  cleanups.push(() => testbed.troupe.close())
  const result = (await (attackPaths[attackPath] as (typeof attackPaths)[string])(testbed)) as {
    questions?: { kind: string; text: string }[]
  }
  return { testbed, questions: result.questions ?? [] }
}

describe.each(Object.keys(attackPaths))('taint guard if %s', (attackPath) => {
  it('The taint guard stops the sink until a person approves exactly those arguments.', async () => {
    const { testbed, questions } = await attacked(attackPath, {})
    expect(testbed.sent).toEqual([])
    expect(questions).toMatchObject([{ kind: 'approval', args: { to: 'eve@evil.test' } }])
    expect(questions[0]?.text).toMatch(/untrusted input \(.+\) and sensitive data \(payroll(, private)?\)/)
  })
  it('The taint guard stops an attack that works without it, and does not stop a harmless call.', async () => {
    expect((await attacked(attackPath, {}, true)).testbed.sent).toHaveLength(1)
    const { testbed, questions } = await attacked(attackPath, { harmless: true })
    expect([testbed.sent.length, questions]).toEqual([1, []])
  })
})

it.each(sinkNames)('The taint guard stops the sink %s.', async (sink) => {
  const { testbed, questions } = await attacked('it reads it itself', { sink })
  expect([testbed.sent, questions.map(({ kind }) => kind)]).toEqual([[], ['approval']])
  expect((await attacked('it reads it itself', { sink }, true)).testbed.sent).toHaveLength(1)
})

describe('a taint guard without a person to ask', () => {
  const workerOf = (sent: unknown[]) => {
    const worker = new Worker('Sender')
    worker.on(Note, async (message, ctx) => {
      await ctx.effect('mail', { class: 'at-most-once', input: message.payload }, () => sent.push(message.payload))
      return 'sent'
    })
    return worker
  }
  it.each([
    ['a step that had read both', true],
    ['the host, who says so', false],
  ])('A worker rejects a tainted call from %s, and the rejection is an incident.', async (_, byStep) => {
    const { troupe, ada, reader } = await openTaintTestbed({})
    cleanups.push(() => troupe.close())
    const sent: unknown[] = []
    await ada.start(workerOf(sent))
    if (byStep) {
      const labelled = reader('Reader', async (text, ctx) => {
        const salary = await ctx.effect('payroll', { class: 'read', taint: ['sensitive:payroll'] }, () => 90_000)
        await ctx.messages.send(Note, `${text} ${salary}`, { to: 'Sender' })
        return 'told'
      })
      await ada.orchestra.run({ task: 'go', topology: line(labelled as never) })
    } else
      await ada
        .agent('Host')
        .messages.send(Note, injection, { to: 'Sender', taint: ['untrusted:mail', 'sensitive:payroll'] })
    const incidents = async () => {
      await troupe.audit.flush()
      return (await troupe.audit.incidents({ user: 'ada' })).items.map(({ actor, reason }) => [actor, reason])
    }
    await expect.poll(incidents).toContainEqual(['Sender', 'approval.denied'])
    expect(sent).toEqual([])
  })
})

it('The input of people counts as untrusted if the policy says so, an answer to a question included.', async () => {
  const scenario = async (people: 'trusted' | 'untrusted') => {
    const { troupe, ada, sent, victim } = await openTaintTestbed({}, { policy: { people } })
    cleanups.push(() => troupe.close())
    const ask = defineTool({
      name: 'ask',
      description: 'Asks a person.',
      inputSchema: z.object({}),
      durable: true,
      execute: (_, { ctx }) => ctx.ask({ text: 'What now?' }),
    })
    const run = await ada.orchestra.start({
      task: 'go',
      topology: line(victim([call('ask')], { tools: { ask } }) as never),
    })
    for (let asked = await run.result(); asked.questions[0]?.kind === 'question'; asked = await run.result())
      await run.answer(asked.questions[0].id, injection)
    return { sent: sent.length, kinds: (await run.result()).questions.map(({ kind }) => kind) }
  }
  expect(await scenario('untrusted')).toEqual({ sent: 0, kinds: ['approval'] })
  expect(await scenario('trusted')).toEqual({ sent: 1, kinds: [] })
})

describe('the taint of a step', () => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'troupe-taint-'))
    cleanups.push(() => rmSync(made, { recursive: true, force: true }))
    return `sqlite:${join(made, 'troupe.db')}`
  }
  /** Stops before the payroll is read: what was read by then is only in the record. */
  const pausing = (before: () => unknown) =>
    defineTool({
      name: 'pause',
      description: 'Waits.',
      inputSchema: z.object({}),
      durable: true,
      execute: async (_, { ctx }) => {
        await ctx.ask({ text: 'Go on?' })
        return before() ?? 'on'
      },
    })
  it('The taint of a step is preserved after a crash, in another process that resumes it.', async () => {
    const storage = folder()
    const first = await openTaintTestbed({}, { storage })
    const before = [call('page'), call('pause')]
    const topologyOf = (testbed: TaintTestbed) =>
      line(testbed.victim(before, { tools: { pause: pausing(() => 'on') } }) as never)
    const run = await first.ada.orchestra.start({ id: 'one', task: 'go', topology: topologyOf(first) })
    expect((await run.result()).questions).toMatchObject([{ kind: 'question' }])
    await first.troupe.close()
    // The models of the second begin where those of the first were.
    const second = await openTaintTestbed({}, {})
    await second.troupe.close()
    const victim = second.victim([], { tools: { pause: pausing(() => 'on') } })
    const troupe = await createTroupe({ storage, log: 'silent', agents: [victim] })
    cleanups.push(() => troupe.close())
    const reloaded = await troupe.user('ada').orchestra.get('one')
    const [question] = (await reloaded.result()).questions
    await reloaded.answer(question?.id ?? '', 'yes')
    expect((await reloaded.result()).questions).toMatchObject([{ kind: 'approval', tool: 'send' }])
    expect(second.sent).toEqual([])
  })

  it('The taint of a step is preserved in a fork, and a replay sends nothing.', async () => {
    const testbed = await openTaintTestbed({})
    cleanups.push(() => testbed.troupe.close())
    const payer = defineAgent({
      name: 'Payer',
      run: async (text, ctx) => {
        const pay = await ctx.effect('payroll', { class: 'read', taint: ['sensitive:payroll'] }, () => 90_000)
        await ctx.effect('mail', { class: 'at-most-once', input: { text, pay } }, () => testbed.sent.push(text))
        return 'sent'
      },
    })
    const reader = testbed.reader('Reader', (text) => text)
    const run = await testbed.ada.orchestra.start({ task: 'go', topology: line(reader as never, payer as never) })
    const [question] = (await run.result()).questions
    await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
    expect(await run.result()).toMatchObject({ status: 'completed', taint: ['sensitive:payroll', 'untrusted:web'] })
    expect(testbed.sent).toHaveLength(1)
    expect(await testbed.ada.orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    const events = []
    for await (const event of run.events()) events.push(event)
    const at = events.find(({ type }) => type === 'step.completed')?.seq ?? 0
    const fork = await testbed.ada.orchestra.fork(run.id, { at, repeat: true })
    // An approval counts once: what goes on from before it asks again.
    expect((await fork.result()).questions).toMatchObject([{ kind: 'approval', tool: 'mail' }])
    expect(testbed.sent).toHaveLength(1)
  })

  it('The taint of a step is stored with its entries, messages, memories and results.', async () => {
    const testbed = await openTaintTestbed({})
    cleanups.push(() => testbed.troupe.close())
    const { ada } = testbed
    const reader = testbed.reader('Reader', async (text, ctx) => {
      await ctx.context.push('notes', text)
      await ctx.messages.send(Note, text, { to: 'Box' })
      return text
    })
    expect(await runLine(testbed, reader)).toMatchObject({ taint: ['untrusted:web'] })
    expect(await ada.context.getEntry('notes')).toMatchObject({
      taint: ['untrusted:web'],
      provenance: { agent: 'Reader' },
    })
    const { items } = await ada.agent('Box').mailbox.messages()
    expect(items).toMatchObject([{ taint: ['untrusted:web'], provenance: { agent: 'Reader' } }])
    const { episodic } = ada.memory('Clerk')
    await episodic.add('a page', { taint: ['untrusted:web'] })
    expect(await episodic.retrieveSimilar('page')).toMatchObject([
      { taint: ['untrusted:web'], provenance: { agent: 'host' } },
    ])
    for (const taint of [['web'], 'untrusted:web', ['untrusted:']] as never[]) {
      await expect(episodic.add('x', { taint })).rejects.toMatchObject({ code: 'validation.failed' })
      await expect(ada.context.push('x', 1, { taint })).rejects.toMatchObject({ code: 'validation.failed' })
      await expect(ada.agent('A').messages.send(Note, 'x', { to: 'Box', taint })).rejects.toMatchObject({
        code: 'validation.failed',
      })
    }
  })
})
