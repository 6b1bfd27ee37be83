/**
 * Converts model objects of AI SDK 6, whose specification is v3. They differ from v4 in how prompts and answers hold files, and
 * their calls have no field for the amount of reasoning.
 */
import type {
  EmbeddingModelV3,
  EmbeddingModelV4,
  LanguageModelV3,
  LanguageModelV3Prompt,
  LanguageModelV3StreamPart,
  LanguageModelV3ToolResultOutput,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolResultOutput,
  RerankingModelV3,
  RerankingModelV4,
  SharedV4FileData,
} from '@ai-sdk/provider'

/** Returns the model with the calls of v4. It ignores `reasoning`, see `checkTakes`. */
export function convertLanguageModel(model: LanguageModelV4 | LanguageModelV3): LanguageModelV4 {
  if (model.specificationVersion === 'v4') return model
  const { provider, modelId, supportedUrls } = model
  const optionsAsV3 = (options: LanguageModelV4CallOptions) => ({
    ...options,
    prompt: options.prompt.map(messageAsV3) as LanguageModelV3Prompt,
  })
  return {
    specificationVersion: 'v4',
    provider,
    modelId,
    supportedUrls,
    async doGenerate(options) {
      const answer = await model.doGenerate(optionsAsV3(options))
      return { ...answer, content: answer.content.map((part) => partAsV4(part) as LanguageModelV4Content) }
    },
    ...(typeof model.doStream === 'function'
      ? {
          async doStream(options: LanguageModelV4CallOptions) {
            const answer = await model.doStream(optionsAsV3(options))
            return { ...answer, stream: answer.stream.pipeThrough(streamAsV4()) }
          },
        }
      : {}),
  } as LanguageModelV4
}

export function convertEmbeddingModel(model: EmbeddingModelV4 | EmbeddingModelV3): EmbeddingModelV4 {
  if (model.specificationVersion === 'v4') return model
  const { provider, modelId, maxEmbeddingsPerCall, supportsParallelCalls } = model
  return {
    specificationVersion: 'v4',
    provider,
    modelId,
    maxEmbeddingsPerCall,
    supportsParallelCalls,
    doEmbed: (options) => model.doEmbed(options),
  }
}

export function convertRerankingModel(model: RerankingModelV4 | RerankingModelV3): RerankingModelV4 {
  if (model.specificationVersion === 'v4') return model
  const { provider, modelId } = model
  return { specificationVersion: 'v4', provider, modelId, doRerank: (options) => model.doRerank(options) }
}

function messageAsV3(message: LanguageModelV4Message): object {
  if (message.role === 'system') return message
  const content = message.content.map((part) => {
    if (part.type === 'file') return { ...part, data: fileAsV3(part.data) }
    return part.type === 'tool-result' ? { ...part, output: outputAsV3(part.output) } : part
  })
  return { ...message, content }
}

function fileAsV3(data: SharedV4FileData): unknown {
  if (data.type === 'data') return data.data
  if (data.type === 'url') return data.url
  return data.type === 'text' ? new TextEncoder().encode(data.text) : data
}

function outputAsV3(output: LanguageModelV4ToolResultOutput): LanguageModelV3ToolResultOutput {
  if (output.type !== 'content') return output
  const value = output.value.map((part) => {
    if (part.type !== 'file') return part
    const { data, mediaType, filename, providerOptions } = part
    if (data.type === 'text') return { type: 'text', text: data.text, providerOptions }
    if (data.type === 'url') return { type: 'file-url', url: data.url.href, providerOptions }
    if (data.type === 'reference') return { type: 'file-id', fileId: data.reference, providerOptions }
    const base64 = typeof data.data === 'string' ? data.data : Buffer.from(data.data).toString('base64')
    return { type: 'file-data', data: base64, mediaType, filename, providerOptions }
  })
  return { type: 'content', value } as LanguageModelV3ToolResultOutput
}

const partAsV4 = <Part extends { readonly type: string }>(part: Part): object =>
  part.type === 'file' && 'data' in part ? { ...part, data: { type: 'data', data: part.data } } : part

const streamAsV4 = () =>
  new TransformStream<LanguageModelV3StreamPart, LanguageModelV4StreamPart>({
    transform: (part, controller) => controller.enqueue(partAsV4(part) as LanguageModelV4StreamPart),
  })
