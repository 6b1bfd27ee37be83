/** Log probabilities of an answer: each provider package reports them in its metadata, or passes on the raw answer. */
import type { MetadataExtractor } from '@ai-sdk/openai-compatible'
import type { SharedV4ProviderMetadata } from '@ai-sdk/provider'
import { fieldOf, type Json } from '../../core/index.ts'

/** Returns the log probabilities in the metadata of an answer; each provider has its own form of them. */
export function logprobsOf(metadata: SharedV4ProviderMetadata | undefined): Json | undefined {
  const found = Object.values(metadata ?? {}).find(({ logprobs }) => logprobs !== undefined)?.logprobs
  return found === undefined ? undefined : (JSON.parse(JSON.stringify(found)) as Json)
}

/** Extracts the log probabilities of OpenAI's chat API, which the package for compatible servers leaves out. */
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
