import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asked, call, notes, tea, user } from '../extractive-model.test.fixture.ts'

describe('the schema filler', () => {
  const json = async (prompt: LanguageModelV4Prompt, schema: z.ZodType) => {
    const { content, finishReason } = await call({
      prompt,
      responseFormat: { type: 'json', schema: JSON.parse(JSON.stringify(z.toJSONSchema(schema))) },
    })
    const [part] = content
    if (part?.type !== 'text') throw new Error('no text')
    return finishReason.unified === 'stop' ? schema.parse(JSON.parse(part.text)) : part.text
  }
  const found = asked('How do retries wait, and when do calls fail?', ['search_documents', { query: 'x' }, notes])

  it('The schema filler gives findings whose quotation, file and line belong together.', async () => {
    const schema = z.object({
      question: z.string(),
      findings: z.array(
        z.object({
          claim: z.string(),
          quote: z.string(),
          file: z.string(),
          line: z.int(),
          heading: z.string().nullable(),
        }),
      ),
      not_found: z.array(z.string()),
    })
    const lines = notes.flatMap((note) =>
      note.text.split('\n').map((text, n) => ({ file: note.document, line: note.startLine + n, text })),
    )
    const answer = schema.parse(await json(found, schema))
    expect(answer.findings.length).toBeGreaterThan(1)
    for (const { quote, file, line } of answer.findings)
      expect(lines).toContainEqual({ file, line, text: expect.stringContaining(quote) })
    expect(answer).toMatchObject({ question: 'How do retries wait, and when do calls fail?', not_found: [] })
  })

  it('The schema filler ends for a schema that contains itself many times, and for an unknown format.', async () => {
    const properties = Object.fromEntries(Array.from('abcdefghij', (name) => [name, { $ref: '#' }]))
    const before = process.threadCpuUsage()
    const recursive = {
      prompt: found,
      responseFormat: { type: 'json', schema: { type: 'object', properties } },
    } as const
    expect((await call(recursive)).finishReason.unified).toBe('stop')
    expect(process.threadCpuUsage(before).user / 1e6).toBeLessThan(5)
    const schema = { type: 'object', properties: { made: { type: 'string', format: 'constructor' } } } as const
    const { content } = await call({ prompt: found, responseFormat: { type: 'json', schema } })
    expect(content).toEqual([{ type: 'text', text: '{}' }])
  })

  it('The schema filler gives sub-questions for a list that is named for them.', async () => {
    const schema = z.object({ sub_questions: z.array(z.object({ id: z.string(), question: z.string() })).max(5) })
    expect(await json([user('How do retries wait, and when do calls fail?')], schema)).toEqual({
      sub_questions: [
        { id: '1', question: 'How do retries wait?' },
        { id: '2', question: 'When do calls fail?' },
      ],
    })
  })

  it('The schema filler fills numbers, choices and formats that are in the text.', async () => {
    const schema = z.object({
      kind: z.enum(['black', 'green', 'white']),
      minutes: z.int(),
      day: z.iso.date(),
      site: z.url(),
    })
    expect(
      await json(
        [
          user(
            'How many minutes does green tea brew? Green tea brews for 2 minutes since 2024-05-01, says https://tea.example/green today.',
          ),
        ],
        schema,
      ),
    ).toEqual({
      kind: 'green',
      minutes: 2,
      day: '2024-05-01',
      site: 'https://tea.example/green',
    })
  })

  it('The schema filler omits, empties or nulls what the text does not say, if the schema allows it.', async () => {
    const schema = z.object({
      answer: z.string().nullable(),
      price: z.number().nullable(),
      colour: z.enum(['red', 'blue']).optional(),
      quotes: z.array(z.string()),
      found: z.boolean(),
    })
    expect(await json([user(`Who won the chess championship?\n\n${tea}`)], schema)).toEqual({
      answer: null,
      price: null,
      quotes: [],
      found: false,
    })
  })

  it('The schema filler says what is missing instead of inventing it.', async () => {
    expect(await json([user(`What does tea cost?\n\nTea is a drink.`)], z.object({ price: z.number() }))).toBe(
      'The text does not say what $.price of the schema asks for.',
    )
  })

  it('The schema filler follows references, and ends on recursive schemas.', async () => {
    const node = z.object({
      text: z.string(),
      get children() {
        return z.array(node)
      },
    })
    expect(await json(found, z.object({ root: node }))).toHaveProperty('root.text')
  })
})
