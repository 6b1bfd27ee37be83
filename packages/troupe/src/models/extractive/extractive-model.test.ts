import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider'
import { generateText, isStepCount, Output, streamText, tool } from 'ai'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asked, call, model, notes, read, search, tea, user } from './extractive-model.test.fixture.ts'
import { extractiveModel } from './extractive-model.ts'

const textOf = async (text: string, options: Partial<LanguageModelV4CallOptions> = {}) => {
  const { content } = await call({ prompt: [user(text)], ...options })
  return content.map((part) => (part.type === 'text' ? part.text : part.type)).join('')
}
describe('extractiveModel', () => {
  it('The extractive model answers word for word from the text in the prompt.', async () => {
    const answer = await textOf(`How long should green tea brew?\n\n${tea}`)
    expect(answer.split('\n')[0]).toBe('“Brew green tea for 2 minutes at 80 degrees.”')
    for (const [, quote] of answer.matchAll(/“([^”]+)”/g)) expect(tea.replace(/\s+/g, ' ')).toContain(quote)
    expect(answer).not.toContain('code here')
  })

  it('The extractive model says so if no text answers the question, and if there is no text.', async () => {
    expect(await textOf(`Who won the chess championship?\n\n${tea}`)).toBe(
      'Nothing in the given text answers this: Who won the chess championship?',
    )
    expect(await textOf('Who won the chess championship?')).toMatch(/^This is the offline extractive model/)
    expect(await textOf('')).toBe('Nothing was asked.')
  })

  it('The extractive model names the source of a quotation, down to its line.', async () => {
    const { content } = await call({
      prompt: asked('When does a call fail after retries?', ['search_documents', { query: 'x' }, notes]),
    })
    expect(content[0]).toMatchObject({ type: 'text' })
    expect(JSON.stringify(content)).toContain('“After five retries the call fails.” (docs/retry.md:13)')
  })

  it('The extractive model quotes passages from a tool completely and in order, and omits near misses.', async () => {
    const passages = [
      { file: 'a.md', line: 4, quote: 'npm ci\nnpm start', near: false },
      { file: 'b.md', line: 9, quote: 'Default: `0`', near: false },
      { file: 'c.md', line: 1, quote: 'Retries wait for a second. Then they fail.', near: true },
    ]
    const answered = (result: unknown) =>
      call({
        prompt: asked('How do retries wait?', ['search_documents', { query: 'x' }, result as never]),
        tools: [search],
      })
    const { content } = await answered({ passages })
    expect(content).toEqual([{ type: 'text', text: '“npm ci\nnpm start” (a.md:4)\n“Default: `0`” (b.md:9)' }])
    const { content: none } = await answered({ passages: passages.slice(2) })
    expect(none).toEqual([{ type: 'text', text: 'Nothing in the given text answers this: How do retries wait?' }])
  })

  it('The extractive model takes an argument that the request names from the request.', async () => {
    const prompt = [
      user(
        JSON.stringify({
          question: 'How is it on Windows?',
          whole_question: 'What is a shim, and how is it on Windows?',
        }),
      ),
    ]
    const inputSchema = {
      type: 'object' as const,
      properties: { query: { type: 'string' as const }, whole_question: { type: 'string' as const } },
      required: ['query'],
    }
    const { content } = await call({ prompt, tools: [{ type: 'function', name: 'search_documents', inputSchema }] })
    expect(content[0]).toMatchObject({
      toolName: 'search_documents',
      input: JSON.stringify({
        query: 'How is it on Windows?',
        whole_question: 'What is a shim, and how is it on Windows?',
      }),
    })
  })

  it('The extractive model summarises with sentences of the text in their order.', async () => {
    const summary = await textOf(`Summarise this text:\n\n${tea}`)
    const quotes = [...summary.matchAll(/“([^”]+)”/g)].map(([, quote]) =>
      tea.replace(/\s+/g, ' ').indexOf(quote ?? '?'),
    )
    expect(quotes.length).toBeGreaterThan(1)
    expect(quotes).not.toContain(-1)
    expect(quotes).toEqual([...quotes].sort((a, b) => a - b))
  })

  it('The extractive model splits a question if the instructions ask for sub-questions.', async () => {
    const prompt: LanguageModelV4Prompt = [
      { role: 'system', content: 'Split the question into sub-questions.' },
      user('What are the costs, risks and limits of caching?'),
    ]
    const { content } = await call({ prompt })
    expect(content).toEqual([
      {
        type: 'text',
        text: '1. What are the costs of caching?\n2. What are the risks of caching?\n3. What are the limits of caching?',
      },
    ])
  })

  it('The extractive model gives the same bytes for the same prompt, from any instance.', async () => {
    const options = {
      prompt: asked('How do retries wait?', ['search_documents', { query: 'x' }, notes]),
      tools: [search, read],
    }
    const first = JSON.stringify(await call(options))
    for (let i = 0; i < 3; i++)
      expect(JSON.stringify(await extractiveModel().doGenerate(structuredClone(options)))).toBe(first)
  })

  it('The extractive model counts words as tokens.', async () => {
    const { usage } = await call({
      prompt: [{ role: 'system', content: 'Be brief.' }, user('What is tea? Tea is a drink.')],
    })
    expect(usage.inputTokens.total).toBe(9)
    expect(usage.outputTokens.total).toBe(4)
  })

  it('The extractive model respects the limit of output tokens and stop sequences.', async () => {
    const { content, finishReason } = await call({ prompt: [user(`What is green tea?\n\n${tea}`)], maxOutputTokens: 3 })
    expect(content).toEqual([{ type: 'text', text: '“Green tea is' }])
    expect(finishReason.unified).toBe('length')
    expect(await textOf(`What is green tea?\n\n${tea}`, { stopSequences: ['fermented'] })).toBe('“Green tea is not ')
  })

  it('The extractive model warns of settings without effect.', async () => {
    const { warnings } = await call({ prompt: [user('x')], temperature: 0.5, seed: 1 })
    expect(warnings).toEqual([
      { type: 'unsupported', feature: 'temperature', details: 'The extractive model is deterministic.' },
    ])
  })

  it('The extractive model stops when its signal aborts, before and during a stream.', async () => {
    await expect(call({ prompt: [user('x')], abortSignal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
      'stopped',
    )
    const controller = new AbortController()
    const { stream } = await model.doStream({
      prompt: [user(`What is tea?\n\n${tea}`)],
      abortSignal: controller.signal,
    })
    const reader = stream.getReader()
    await reader.read()
    controller.abort(new Error('stopped'))
    await expect(
      (async () => {
        for (;;) if ((await reader.read()).done) return
      })(),
    ).rejects.toThrow('stopped')
  })

  it('The extractive model answers a prompt of four megabytes.', async () => {
    const long = Array.from({ length: 80_000 }, (_, i) => `Sentence number ${i} speaks of a walnut tree.`).join(' \n')
    expect(await textOf(`Where does the walnut tree stand?\n\n${long}`)).toMatch(/walnut tree/)
  })
})

describe('the extractive model through the AI SDK', () => {
  const searchTool = tool({
    description: 'Finds passages.',
    inputSchema: z.object({ query: z.string() }),
    execute: async ({ query }) => (query.includes('retries') ? notes : []),
  })

  it('The extractive model searches and then answers with an object through the AI SDK.', async () => {
    const { output, steps } = await generateText({
      model,
      prompt: 'How do retries wait?',
      tools: { search_documents: searchTool },
      stopWhen: isStepCount(5),
      output: Output.object({
        schema: z.object({ findings: z.array(z.object({ quote: z.string(), file: z.string(), line: z.int() })) }),
      }),
    })
    expect(steps).toHaveLength(2)
    expect(output.findings[0]).toEqual({
      quote: 'A retry waits twice as long as the one before.',
      file: 'docs/retry.md',
      line: 12,
    })
  })

  it('The extractive model streams the same text in parts through the AI SDK.', async () => {
    const prompt = `What is green tea?\n\n${tea}`
    const pieces: string[] = []
    const result = streamText({ model, prompt })
    for await (const piece of result.textStream) pieces.push(piece)
    expect(pieces.length).toBeGreaterThan(5)
    expect(pieces.join('')).toBe((await generateText({ model, prompt })).text)
  })
})
