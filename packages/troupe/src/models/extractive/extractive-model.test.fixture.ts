/** Texts and calls that the tests of the extractive model share. */
import type { LanguageModelV4CallOptions, LanguageModelV4FunctionTool, LanguageModelV4Prompt } from '@ai-sdk/provider'
import { systemClock } from '../../core/index.ts'
import { BoundedEvaluator } from '../../security/index.ts'
import { extractiveModel } from './extractive-model.ts'

export const tea = `# Tea

Tea is a drink made by pouring hot water over cured leaves. Green tea is not fermented at all.
Black tea is fully fermented before it is dried.

\`\`\`ts
export const tea = brew('green tea is code here')
\`\`\`

## Brewing

- Brew green tea for 2 minutes at 80 degrees.
- Brew black tea for 4 minutes with boiling water.
`
export const notes = [
  {
    document: 'docs/retry.md',
    startLine: 10,
    endLine: 14,
    heading: 'Retries',
    text: 'Calls are retried.\n\nA retry waits twice as long as the one before.\nAfter five retries the call fails.',
    score: 9,
  },
  {
    document: 'docs/cache.md',
    startLine: 3,
    endLine: 3,
    heading: 'Cache',
    text: 'The cache keeps a response for one hour.',
    score: 4,
  },
]
export const user = (text: string): LanguageModelV4Prompt[number] => ({
  role: 'user',
  content: [{ type: 'text', text }],
})
export const offered = (name: string, inputSchema: object, description = ''): LanguageModelV4FunctionTool => ({
  type: 'function',
  name,
  description,
  inputSchema,
})
export const search = offered(
  'search_documents',
  { type: 'object', properties: { query: { type: 'string' }, limit: { type: 'integer' } }, required: ['query'] },
  'Finds passages.',
)
export const read = offered(
  'read_document',
  { type: 'object', properties: { path: { type: 'string' }, from: { type: 'integer' } }, required: ['path'] },
  'Reads lines.',
)
/** A question, and what the tools that were called for it gave. */
export const asked = (
  question: string,
  ...results: [name: string, input: object, value: unknown][]
): LanguageModelV4Prompt => [
  user(question),
  ...results.flatMap(
    ([toolName, input, value], i): LanguageModelV4Prompt => [
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: `call-${i + 1}`, toolName, input }] },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: `call-${i + 1}`,
            toolName,
            output: { type: 'json', value: JSON.parse(JSON.stringify(value)) },
          },
        ],
      },
    ],
  ),
]
export const model = extractiveModel(new BoundedEvaluator({ clock: systemClock }))
export const call = (options: Partial<LanguageModelV4CallOptions> & { prompt: LanguageModelV4Prompt }) =>
  model.doGenerate(options)
