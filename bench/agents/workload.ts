/** One step of so many turns: the model calls a tool in each but the last, and takes no time. */
import type { LanguageModelV4, LanguageModelV4GenerateResult } from '@ai-sdk/provider'

export const turns = 10
export const answers = 'It is blue.'

export const look = {
  name: 'look',
  description: 'Looks at a thing and says what it sees.',
  execute: () => 'blue',
}

/** So many results of its tool has the model been shown in this step. */
export const isOver = (results: number): boolean => results >= turns - 1

export function zeroLatencyModel(): LanguageModelV4 {
  const usage = {
    inputTokens: { total: 7, noCache: 7, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 3, text: 3, reasoning: 0 },
  }
  const result = (content: LanguageModelV4GenerateResult['content'], unified: 'stop' | 'tool-calls') => ({
    content,
    finishReason: { unified, raw: unified },
    usage,
    warnings: [],
  })
  return {
    specificationVersion: 'v4',
    provider: 'bench',
    modelId: 'zero',
    supportedUrls: {},
    async doGenerate({ prompt }) {
      const results = prompt.filter(({ role }) => role === 'tool').length
      if (isOver(results)) return result([{ type: 'text', text: answers }], 'stop')
      const call = { toolCallId: `call-${results}`, toolName: look.name, input: `{"q":"thing ${results}"}` }
      return result([{ type: 'tool-call', ...call }], 'tool-calls')
    },
    doStream: () => Promise.reject(new Error('the bench does not stream')),
  }
}
