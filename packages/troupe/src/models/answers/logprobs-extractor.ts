/** Log probabilities in the raw answers of servers with OpenAI's chat API. */
import type { MetadataExtractor } from '@ai-sdk/openai-compatible'
import type { SharedV4ProviderMetadata } from '@ai-sdk/provider'
import { fieldOf, type Json } from '../../core/index.ts'

/** Extracts what the package for compatible servers leaves out of its answers. */
export const logprobsExtractor: MetadataExtractor = {
  extractMetadata: async ({ parsedBody }) => metadataOf(tokensIn(parsedBody)),
  createStreamExtractor() {
    const tokens: Json[] = []
    return {
      processChunk(chunk) {
        for (const token of tokensIn(chunk)) tokens.push(token)
      },
      buildMetadata: () => metadataOf(tokens),
    }
  },
}

/** Returns the tokens of an answer or of a piece of its stream; none if the value has another form. */
function tokensIn(answer: unknown): readonly Json[] {
  const choices = fieldOf(answer, 'choices')
  const logprobs = Array.isArray(choices) ? fieldOf(choices[0], 'logprobs') : undefined
  return [fieldOf(logprobs, 'content'), fieldOf(logprobs, 'refusal')].flatMap((tokens) =>
    Array.isArray(tokens) ? (tokens as Json[]) : [],
  )
}

const metadataOf = (tokens: readonly Json[]): SharedV4ProviderMetadata | undefined =>
  tokens.length === 0 ? undefined : { openaiCompatible: { logprobs: [...tokens] as never } }
