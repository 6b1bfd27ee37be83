/** A model object that only generates: its answer is streamed in one piece, once it is complete. */
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'

/** Returns the model with `doStream`. */
export function withStream(model: LanguageModelV4): LanguageModelV4 {
  if (typeof model.doStream === 'function') return model
  const { specificationVersion, provider, modelId, supportedUrls } = model
  return {
    ...{ specificationVersion, provider, modelId, supportedUrls },
    doGenerate: (options) => model.doGenerate(options),
    async doStream(options) {
      const { content, finishReason, usage, warnings, providerMetadata } = await model.doGenerate(options)
      const parts: LanguageModelV4StreamPart[] = [{ type: 'stream-start', warnings }]
      for (const [i, part] of content.entries())
        if (part.type === 'text' || part.type === 'reasoning') {
          const { type, text, ...more } = part
          const id = String(i)
          parts.push({ type: `${type}-start`, id, ...more }, { type: `${type}-delta`, id, delta: text })
          parts.push({ type: `${type}-end`, id })
        } else parts.push(part)
      parts.push({ type: 'finish', finishReason, usage, ...(providerMetadata ? { providerMetadata } : {}) })
      return { stream: ReadableStream.from(parts) as ReadableStream<LanguageModelV4StreamPart> }
    },
  }
}
