import type { LanguageModelV3, LanguageModelV3CallOptions } from '@ai-sdk/provider'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { file } from '../../core/index.ts'
import { createTroupe, defineTool, LlmAgent } from '../../index.ts'

const png = Buffer.from('iVBORw0KGgo=', 'base64')
const usage = { inputTokens: { total: 3 }, outputTokens: { total: 2 } }
const finishReason = { unified: 'stop', raw: 'stop' }

/** Calls the tool `scan` first, then answers with a text and a file. */
function drawing(calls: LanguageModelV3CallOptions[]): LanguageModelV3 {
  const contentOf = (options: LanguageModelV3CallOptions): readonly { type: string; text?: string }[] => {
    calls.push(options)
    if (!options.prompt.some(({ role }) => role === 'tool'))
      return [Object.assign({ type: 'tool-call' }, { toolCallId: 'c', toolName: 'scan', input: '{}' })]
    return [
      { type: 'text', text: 'a dot' },
      Object.assign({ type: 'file' }, { mediaType: 'image/png', data: png.toString('base64') }),
    ]
  }
  return {
    ...{ specificationVersion: 'v3', provider: 'anthropic.messages', modelId: 'one', supportedUrls: {} },
    doGenerate: async (options: LanguageModelV3CallOptions) => ({
      ...{ content: contentOf(options), finishReason, usage, warnings: [] },
    }),
    doStream: async (options: LanguageModelV3CallOptions) => {
      const parts = contentOf(options).flatMap((part): object[] =>
        part.text !== undefined
          ? [
              { type: 'text-start', id: '1' },
              { type: 'text-delta', id: '1', delta: part.text },
              { type: 'text-end', id: '1' },
            ]
          : [part],
      )
      return {
        stream: ReadableStream.from([
          { type: 'stream-start', warnings: [] },
          ...parts,
          { type: 'finish', finishReason, usage },
        ]),
      }
    },
  } as unknown as LanguageModelV3
}

const scan = defineTool({
  name: 'scan',
  description: 'Scans the page.',
  inputSchema: z.object({}),
  effect: 'read',
  execute: async () => [{ type: 'text', text: 'the page' }, file(png, { mediaType: 'image/png' })],
})

it.each(['generate', 'stream'] as const)(
  'A model object of AI SDK 6 exchanges files with %s, in its prompt, results of tools and answer.',
  async (method) => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const calls: LanguageModelV3CallOptions[] = []
    const agent = new LlmAgent({ name: 'Artist', instructions: 'Draw.', model: drawing(calls), tools: [scan] })
    const session = troupe.user('ada').session(agent)
    const input = [{ type: 'text' as const, text: 'Draw this.' }, file(png, { mediaType: 'image/png' })]
    const answer = method === 'generate' ? session.generate(input) : session.stream(input).result
    expect(await answer).toMatchObject({
      text: 'a dot',
      content: [
        { type: 'text', text: 'a dot' },
        { type: 'file', mediaType: 'image/png' },
      ],
      usage: { inputTokens: 6, outputTokens: 4 },
    })
    const [, second] = calls
    const parts = second?.prompt.flatMap(({ content }): unknown[] => (typeof content === 'string' ? [] : content))
    expect(parts).toContainEqual(
      expect.objectContaining({ type: 'file', mediaType: 'image/png', data: png.toString('base64') }),
    )
    expect(parts).toContainEqual(
      expect.objectContaining({
        type: 'tool-result',
        output: {
          type: 'content',
          value: [
            expect.objectContaining({ type: 'text', text: 'the page' }),
            expect.objectContaining({ type: 'file-data', data: png.toString('base64'), mediaType: 'image/png' }),
          ],
        },
      }),
    )
  },
)

it('A model object of AI SDK 6 rejects an amount of reasoning, which it would ignore.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const calls: LanguageModelV3CallOptions[] = []
  const settings = { reasoning: { effort: 'high' } } as const
  const agent = new LlmAgent({ name: 'Artist', instructions: 'Draw.', model: drawing(calls), settings })
  await expect(troupe.user('ada').session(agent).generate('Draw.')).rejects.toMatchObject({
    code: 'model.setting',
    details: { setting: 'reasoning.effort' },
  })
  expect(calls).toEqual([])
})
