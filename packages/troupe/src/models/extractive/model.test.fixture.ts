/** Texts and calls that the tests of the extractive model share. */
import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider'
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
export const model = extractiveModel()
export const call = (options: Partial<LanguageModelV4CallOptions> & { prompt: LanguageModelV4Prompt }) =>
  model.doGenerate(options)
