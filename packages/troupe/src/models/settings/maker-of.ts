/** Marks parts of an answer that only the model or the provider that made them can read. */
import type { SharedV4ProviderOptions } from '@ai-sdk/provider'

/**
 * Returns the mark of a part.
 * @param model `provider/model` that made the part
 */
export const makerMark = (model: string): SharedV4ProviderOptions => ({ troupe: { maker: model } })

/** Returns the `provider/model` that made a part, undefined if it has no mark. */
export function makerOf(part: { readonly providerOptions?: SharedV4ProviderOptions }): string | undefined {
  const maker = part.providerOptions?.troupe?.maker
  return typeof maker === 'string' ? maker : undefined
}

/** Returns `openai` for `openai/gpt-5.4` and for `openai.responses/gpt-5.4`. */
export const providerOf = (model: string): string | undefined => model.split(/[./]/, 1)[0]
