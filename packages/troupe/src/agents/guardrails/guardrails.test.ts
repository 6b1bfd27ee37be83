import { describe, expect, it } from 'vitest'
import { defineAgent, LlmAgent } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'
import { redactPersonalData } from '../../tools.ts'
import type { GuardrailsOptions } from './guardrail.ts'

const { opened } = troupesOfTests()
const noSecrets = (content: string) =>
  content.includes('secret') ? ({ pass: false, reason: 'it has a secret' } as const) : ({ pass: true } as const)

async function ask(guardrails: GuardrailsOptions, task: string, ...responses: string[]) {
  const troupe = await opened()
  const seen: object[] = []
  troupe.on('guardrail.tripped', ({ agent, guardrail, direction, redacted }) => {
    seen.push({ agent, guardrail, direction, redacted })
  })
  const model = new MockModel({ responses: [...responses] })
  const clerk = new LlmAgent({ name: 'Clerk', model, guardrails })
  const session = troupe.user('ada').session(clerk, { threadId: 't' })
  return { model, seen, session, asked: session.generate(task) }
}

describe('A guardrail', () => {
  it('A guardrail passes an allowed input, and asks the model with the redacted text.', async () => {
    const { asked, model, seen } = await ask(
      { input: [noSecrets, redactPersonalData()] },
      'I am ada@example.com.',
      'Hello',
    )
    expect((await asked).text).toBe('Hello')
    expect(JSON.stringify(model.calls[0])).toContain('I am [email].')
    expect(JSON.stringify(model.calls)).not.toContain('example.com')
    expect(seen).toEqual([{ agent: 'Clerk', guardrail: 'redactPersonalData', direction: 'input', redacted: true }])
  })

  it('A guardrail of the input ends the step before the model is asked.', async () => {
    const { asked, model, seen } = await ask({ input: [noSecrets] }, 'a secret', 'Hello')
    await expect(asked).rejects.toMatchObject({ code: 'guardrail.tripped', details: { reason: 'it has a secret' } })
    expect(model.calls).toHaveLength(0)
    expect(seen).toEqual([{ agent: 'Clerk', guardrail: 'noSecrets', direction: 'input', redacted: false }])
  })

  it('A guardrail beside the call ends the step before its answer is used.', async () => {
    const { asked, model } = await ask({ input: [{ check: noSecrets, when: 'beside' }] }, 'a secret', 'Hello')
    await expect(asked).rejects.toMatchObject({ code: 'guardrail.tripped' })
    expect(model.calls).toHaveLength(1)
  })

  it('A guardrail of the output redacts the answer, or stops it.', async () => {
    const redacted = await ask({ output: [redactPersonalData()] }, 'Who?', 'Call +49 30 1234567.')
    expect(await redacted.asked).toMatchObject({ text: 'Call [phone].', output: 'Call [phone].' })
    const stopped = await ask({ output: [{ name: 'secrets', check: noSecrets }] }, 'Who?', 'the secret')
    await expect(stopped.asked).rejects.toMatchObject({ code: 'guardrail.tripped', details: { guardrail: 'secrets' } })
  })

  it('A guardrail asks a person if its option says so.', async () => {
    for (const answer of [true, false]) {
      const { asked, session } = await ask({ output: [{ check: noSecrets, onTrip: 'ask' }] }, 'Who?', 'the secret')
      const waiting = await asked
      expect(waiting).toMatchObject({ status: 'waiting', questions: [{ kind: 'confirmation' }] })
      const ended = session.answer(waiting.questions?.[0]?.id ?? '', answer)
      if (answer) expect(await ended).toMatchObject({ text: 'the secret' })
      else await expect(ended).rejects.toMatchObject({ code: 'guardrail.tripped' })
    }
  })

  it('A guardrail may be an agent, whose tokens count, and a missing verdict stops the step.', async () => {
    const responses = ['{"pass": false, "reason": "off topic"}']
    const judge = new LlmAgent({ name: 'Judge', model: new MockModel({ responses }) })
    const { asked, model } = await ask({ input: [judge] }, 'Poems?', 'Hello')
    await expect(asked).rejects.toMatchObject({ details: { guardrail: 'Judge', reason: 'off topic' } })
    expect(model.calls).toHaveLength(0)
    const passing = defineAgent({ name: 'Passing', run: async () => ({ pass: true }) })
    expect((await (await ask({ input: [passing] }, 'Hi', 'Hello')).asked).text).toBe('Hello')
    const silent = defineAgent({ name: 'Silent', run: async () => 'well' })
    await expect((await ask({ input: [silent] }, 'Hi', 'Hello')).asked).rejects.toMatchObject({
      details: { reason: 'the check gave no verdict' },
    })
  })

  it('A guardrail is recorded with its verdict among the calls of its step.', async () => {
    const troupe = await opened()
    const model = new MockModel({ responses: ['Hello'] })
    const clerk = new LlmAgent({ name: 'Clerk', model, guardrails: { input: [noSecrets, redactPersonalData()] } })
    const run = await troupe.user('ada').orchestra.start({ agent: clerk, task: 'I am ada@example.com.' })
    await run.output()
    const [first, second, third] = await run.calls('1#1')
    expect(first).toMatchObject({ kind: 'guardrail', name: 'input noSecrets', state: 'done', output: { pass: true } })
    expect(second).toMatchObject({
      name: 'input redactPersonalData',
      output: { pass: false, redacted: 'I am [email].' },
    })
    expect(third).toMatchObject({ kind: 'model', name: '1' })
  })

  it('A guardrail with invalid options is rejected.', () => {
    const wrong = [
      { inputs: [] },
      { input: noSecrets },
      { input: [5] },
      { output: [{ check: noSecrets, when: 'beside' }] },
    ]
    for (const guardrails of [...wrong, { input: [{ check: noSecrets, onTrip: 'log' }] }])
      expect(() => new LlmAgent({ name: 'A', guardrails: guardrails as never })).toThrow()
  })
})

describe('redactPersonalData', () => {
  const redact = redactPersonalData()
  const ctx = { agent: 'A', direction: 'input', signal: new AbortController().signal } as const
  const redacted = async (text: string) => {
    const verdict = await redact(text, ctx)
    return verdict.pass ? text : verdict.redacted
  }

  it.each([
    ['mail ada.l@example.co.uk, please', 'mail [email], please'],
    ['card 4111 1111 1111 1111 and 4111 1111 1111 1112', 'card [card] and 4111 1111 1111 1112'],
    ['DE89 3704 0044 0532 0130 00 or DE89370400440532013000', '[iban] or [iban]'],
    ['DE89 3704 0044 0532 0130 01', 'DE89 3704 0044 0532 0130 01'],
    ['from 192.168.0.1 and 2001:db8::1, not 999.1.1.1 or 1.2.3', 'from [ip] and [ip], not 999.1.1.1 or 1.2.3'],
    ['call +49 (0)30 1234567 or (030) 123-4567', 'call [phone] or [phone]'],
    ['order 1234567 of 2026-11-23 at 10:30:00 for 19.99', 'order 1234567 of 2026-11-23 at 10:30:00 for 19.99'],
  ])('redactPersonalData redacts %j to %j.', async (text, expected) => {
    expect(await redacted(text)).toBe(expected)
  })

  it('redactPersonalData accepts a list of kinds, and is linear in the length of a hostile text.', async () => {
    const mail = redactPersonalData({ kinds: ['email'] })
    expect(await mail('a@b.de 10.0.0.1', ctx)).toMatchObject({ redacted: '[email] 10.0.0.1', reason: '1 × email' })
    for (const kinds of [['name'], [], 'email', null])
      expect(() => redactPersonalData({ kinds } as never)).toThrow(
        expect.objectContaining({ code: 'validation.failed' }),
      )
    const before = process.threadCpuUsage()
    for (const text of [
      'a.'.repeat(50_000),
      '1 '.repeat(50_000),
      'AB12 '.repeat(20_000),
      '+1('.repeat(30_000),
      ':a'.repeat(50_000),
    ])
      await redact(text, ctx)
    expect(process.threadCpuUsage(before).user / 1e6).toBeLessThan(5)
  })

  it('A trip of a guardrail is an event of its run, once, also after a wait, and without content.', async () => {
    const helper = new LlmAgent({
      name: 'Helper',
      description: 'Helps.',
      model: new MockModel({ responses: ['the secret'] }),
      guardrails: { output: [{ name: 'noSecrets', check: noSecrets }] },
    })
    const calls = [{ toolCalls: [{ name: 'Helper', args: { request: 'Who?' } }] }, 'Call +49 30 1234567, secret.']
    const clerk = new LlmAgent({
      name: 'Clerk',
      model: new MockModel({ responses: calls }),
      agents: [helper],
      guardrails: {
        input: [redactPersonalData()],
        output: [redactPersonalData(), { name: 'noSecrets', check: noSecrets, onTrip: 'ask' }],
      },
    })
    const troupe = await opened({ agents: [clerk] })
    let published = 0
    troupe.on('guardrail.tripped', () => published++)
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({ task: 'I am ada@example.com.', agent: 'Clerk' })
    const { questions } = await run.result()
    const tripped = async () => {
      const found = []
      for await (const event of run.events()) if (event.type === 'guardrail.tripped') found.push(event)
      return found
    }
    await run.answer(questions[0]?.id ?? '', true)
    expect(await run.result()).toMatchObject({ status: 'completed' })
    const events = await tripped()
    expect(events.map(({ agent, guardrail, direction, action }) => [agent, guardrail, direction, action])).toEqual([
      ['Clerk', 'redactPersonalData', 'input', 'redact'],
      ['Helper', 'noSecrets', 'output', 'stop'],
      ['Clerk', 'redactPersonalData', 'output', 'redact'],
      ['Clerk', 'noSecrets', 'output', 'ask'],
    ])
    expect(events[0]).toMatchObject({ step: '1#1', branch: '1', seq: expect.any(Number) })
    expect(JSON.stringify(events)).not.toMatch(/ada@|secret,|30 123/)
    expect(published).toBe(4)
    expect((await orchestra.verifyReplay(run.id)).identical).toBe(true)
  })

  it('A trip that fails its step is an event of the run before the failure.', async () => {
    const clerk = new LlmAgent({
      name: 'Clerk',
      model: new MockModel({ responses: [] }),
      guardrails: { input: [noSecrets] },
    })
    const troupe = await opened({ agents: [clerk] })
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({ task: 'a secret', agent: 'Clerk' })
    expect(await run.result()).toMatchObject({ status: 'failed', error: { code: 'guardrail.tripped' } })
    const types = []
    for await (const { type } of run.events()) types.push(type)
    expect(types.filter((type) => type === 'guardrail.tripped')).toHaveLength(1)
    expect(types.indexOf('guardrail.tripped')).toBe(types.indexOf('step.failed') - 1)
  })
})
