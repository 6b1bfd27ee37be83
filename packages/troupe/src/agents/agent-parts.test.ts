import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Json } from '../core/index.ts'
import { defineTool } from '../tools/index.ts'
import { BaseLlmAgent, definitionOf, freezeAgent } from './definitions/base-llm-agent.ts'
import { defineAgent } from './definitions/define-agent.ts'
import { finish, handOff, invoke } from './definitions/routing.ts'
import { redactPersonalData } from './guardrails/redact-personal-data.ts'
import { newestWithin, userMessage } from './model/content/model-messages.ts'
import { structuredText } from './model/content/structured-text.ts'
import { readCoordination } from './model/coordination.ts'
import { checkAnswerTo, createQuestion } from './step/ask-question.ts'
import { createRepetitionGuard } from './step/repetition-guard.ts'

const step = (agent: ReturnType<typeof defineAgent>, input: unknown) =>
  agent.step({ input, recorder: { signal: new AbortController().signal } } as never)

describe('a function agent', () => {
  it('A function agent chooses the next target by its return value.', async () => {
    const returning = (value: unknown) => step(defineAgent({ name: 'A', run: () => value }), null)
    expect(await returning(undefined)).toEqual({ kind: 'value', value: null })
    expect(await returning({ kind: 'finish', value: 1 })).toEqual({
      kind: 'value',
      value: { kind: 'finish', value: 1 },
    })
    expect(await returning(finish('x'))).toEqual({ kind: 'finish', value: 'x' })
    expect(await returning(handOff('B', { n: 1 }))).toEqual({ kind: 'handOff', agent: 'B', input: { n: 1 } })
    expect(await returning(invoke([{ agent: { name: 'B' }, input: 1 }]))).toEqual({
      kind: 'invoke',
      targets: [{ agent: 'B', input: 1 }],
    })
    await expect(returning(() => 1)).rejects.toMatchObject({ code: 'json.unsupported' })
    expect(() => invoke([])).toThrow(/no agent/)
  })

  it('A function agent checks its input and its output by its schemas, and never runs with invalid input.', async () => {
    let ran = 0
    const strict = (twice: unknown) =>
      defineAgent({
        name: 'Strict',
        inputSchema: z.object({ n: z.number() }),
        outputSchema: z.object({ twice: z.number() }),
        run: ({ n }): never => {
          ran++
          return { twice: twice === undefined ? 2 * n : twice } as never
        },
      })
    expect(await step(strict(undefined), { n: 2 })).toEqual({ kind: 'value', value: { twice: 4 } })
    await expect(step(strict(undefined), { n: 'two' })).rejects.toMatchObject({ name: 'ValidationError' })
    expect(ran).toBe(1)
    await expect(step(strict('four'), { n: 2 })).rejects.toThrow(/twice/)
  })

  it('A function agent with unknown options or a wrong name is rejected.', () => {
    expect(() => defineAgent({ name: '', run: () => 1 })).toThrow(/agent/)
    expect(() => defineAgent({ name: 'A', runs: () => 1 } as never)).toThrow(/runs/)
    expect(() => defineAgent({ name: 'A', deny: 'x', run: () => 1 } as never)).toThrow(/deny/)
  })
})

describe('questions', () => {
  it('A question is checked when it is asked.', () => {
    expect(createQuestion({ text: 'Go on?', timeout: '5m' })).toEqual({
      kind: 'question',
      text: 'Go on?',
      timeout: '5m',
    })
    expect(() => createQuestion({ kind: 'choice', text: 'Which?' })).toThrow(/options/)
    expect(() => createQuestion({ kind: 'riddle' as never, text: 'Which?' })).toThrow(/riddle/)
    expect(() => createQuestion({ text: ' ' })).toThrow(/no text/)
  })

  it('A question is answered in the form of its kind.', () => {
    const choice = createQuestion({ kind: 'choice', text: 'Which?', options: ['red', 'blue'] })
    expect(checkAnswerTo(choice, 'red')).toBe('red')
    expect(() => checkAnswerTo(choice, 'green')).toThrow(/red, blue/)
    const approval = createQuestion({ kind: 'approval', text: 'May it?', hash: 'h' })
    expect(checkAnswerTo(approval, { approve: true, hash: 'h' })).toBeTruthy()
    expect(() => checkAnswerTo(approval, { approve: true, hash: 'other' })).toThrow(/bound to other/)
    expect(() => checkAnswerTo(approval, true)).toThrow(/approve/)
  })

  it('The text of an approval is marked like its arguments, line by line, and other questions are not.', () => {
    const text = 'Pay \u202e\u0430dmin?\nNow'
    expect(createQuestion({ kind: 'approval', text }).text).toBe(
      'Pay \\u{202e}\\u{430}dmin (mixes Latin and Cyrillic)?\nNow',
    )
    expect(createQuestion({ text }).text).toBe(text)
  })

  it('An approval that names no hash is bound to the arguments that it shows.', () => {
    const may = (args: Json) => createQuestion({ kind: 'approval', text: 'May it?', args, default: { approve: false } })
    const asked = may({ euros: 5 })
    expect(checkAnswerTo(asked, { approve: true, hash: asked.hash ?? '' })).toBeTruthy()
    expect(() => checkAnswerTo(asked, { approve: true, hash: may({ euros: 50 }).hash ?? '' })).toThrow(/bound to other/)
    expect(() => checkAnswerTo(asked, { approve: true })).toThrow(/bound to other/)
    expect(may({ euros: 5 })).toEqual(asked)
  })
})

describe('texts of a model', () => {
  const flow = { invoke: ['Researcher'], handOff: ['Writer'], finish: true, askUser: true, value: undefined } as const

  it('A coordination call of a model is read, or rejected with the nearest name.', () => {
    const one = { agent_name: 'Researcher', request: 'find' }
    const routing = { kind: 'invoke', targets: [{ agent: 'Researcher', input: 'find' }] }
    expect(readCoordination('invoke_agent', { invocations: [one] }, flow)).toEqual({ kind: 'routing', routing })
    expect(readCoordination('invoke_agent', one, flow)).toEqual({ kind: 'routing', routing })
    expect(
      readCoordination('invoke_agent', { invocations: [{ ...one, agent_name: 'Resercher' }] }, flow),
    ).toMatchObject({
      kind: 'wrong',
      suggestion: 'Did you mean Researcher?',
    })
    expect(readCoordination('hand_off', { agent_name: 'Researcher', request: 'x' }, flow)).toMatchObject({
      kind: 'wrong',
    })
    for (const args of [null, [], 'x', {}, { question: '' }])
      expect(readCoordination('ask_user', args, flow).kind).toBe('wrong')
  })

  it('A text of a model is searched for the requested JSON.', async () => {
    const schema = z.object({ n: z.number() })
    for (const text of ['{"n":1}', 'Sure!\n```json\n{"n":1}\n```\nDone.', 'It is {"n":1}, I think.'])
      expect(await structuredText(schema, text)).toEqual({ ok: true, value: { n: 1 } })
    expect(await structuredText(schema, 'none')).toMatchObject({ ok: false })
    expect(await structuredText(z.string(), 'plain')).toEqual({ ok: true, value: 'plain' })
  })

  it('A conversation is shortened to its newest messages within a token limit, beginning with a user message.', () => {
    const messages = ['first', 'second', 'third'].flatMap((text) => [
      userMessage(text.repeat(20)),
      { role: 'assistant' as const, content: [{ type: 'text' as const, text }] },
    ])
    expect(newestWithin(messages, 10_000)).toHaveLength(6)
    expect(newestWithin(messages, 80)[0]).toEqual(messages[4])
    expect(newestWithin(messages, 1)[0]).toEqual(messages[4])
  })
})

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({ q: z.string() }),
  execute: () => 1,
})

describe('the definition of an LlmAgent', () => {
  it('The definition of an LlmAgent is frozen at its first use, and copied by `with`.', () => {
    const agent = new BaseLlmAgent({ name: 'A', model: 'offline/extractive' })
    agent.addTool(look)
    const copy = agent.with({ instructions: 'Other.' })
    freezeAgent(agent)
    expect(() =>
      agent.addTool(defineTool({ name: 'late', description: 'Late.', inputSchema: z.object({}), execute: () => 1 })),
    ).toThrow(/frozen/)
    expect(copy.toolNames).toEqual(['look'])
    expect(copy.fingerprint).not.toBe(agent.fingerprint)
    expect(
      copy.addTool(defineTool({ name: 'late', description: 'Late.', inputSchema: z.object({}), execute: () => 1 })),
    ).toBe(copy)
  })

  it('The definition of an LlmAgent keeps its guardrails when it is copied by `with`.', () => {
    const check = () => ({ pass: true }) as const
    const input = [redactPersonalData(), { check, name: 'late', when: 'beside', onTrip: 'ask' }] as const
    const agent = new BaseLlmAgent({ name: 'A', guardrails: { input, output: [check] } })
    const { guardrails } = definitionOf(agent.with({ instructions: 'Other.' }))
    expect(guardrails).toEqual(definitionOf(agent).guardrails)
    expect(guardrails.input.map(({ direction }) => direction)).toEqual(['input', 'input'])
    expect(definitionOf(agent.with({ guardrails: {} })).guardrails).toEqual({ input: [], output: [] })
  })

  it('The definition of an LlmAgent rejects unknown options with the nearest name.', () => {
    expect(() => new BaseLlmAgent({ name: 'A', instuctions: 'x' } as never)).toThrow(/instuctions/)
    expect(() => new BaseLlmAgent({ name: 'A', settings: { temperature: 3 } })).toThrow(/temperature/)
    expect(() => new BaseLlmAgent({ name: 'A', settings: { stop: 'END' as never } })).toThrow(/stop/)
    expect(() => new BaseLlmAgent({ name: 'A', settings: { cache: 'yes' as never } })).toThrow(/cache/)
    expect(() => new BaseLlmAgent({ name: 'A', tools: { finish: look } })).toThrow(/finish/)
  })

  it('The definition of an agent rejects the reserved names `host` and `User`.', () => {
    for (const name of ['host', 'User']) {
      expect(() => new BaseLlmAgent({ name })).toThrow(expect.objectContaining({ code: 'name.invalid' }))
      expect(() => defineAgent({ name, run: () => 1 })).toThrow(expect.objectContaining({ code: 'name.invalid' }))
    }
  })
})

describe('the guard of repetition', () => {
  it('The guard of repetition warns at the third equal call and stops the fifth, and a new result restarts the count.', () => {
    const judge = createRepetitionGuard()
    const verdicts = (results: readonly string[]) =>
      results.map((result) => judge('A', 'look', { q: 1 }, result).verdict)
    expect(verdicts(['x', 'x', 'x', 'x', 'x'])).toEqual(['go', 'go', 'nudge', 'nudge', 'stop'])
    expect(verdicts(['y', 'y', 'z', 'z', 'z'])).toEqual(['go', 'go', 'go', 'go', 'nudge'])
  })
})
