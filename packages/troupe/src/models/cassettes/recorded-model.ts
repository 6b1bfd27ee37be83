/**
 * A language model in front of a cassette: requests and answers pass through it; during a replay the model is not
 * created.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import type { Recording } from '../../core/index.ts'

/** @param name `provider/model` */
export function recordedModel(
  recording: Recording,
  name: string,
  resolve: () => Promise<LanguageModelV4>,
): LanguageModelV4 {
  const trafficOf = (options: LanguageModelV4CallOptions, stream: boolean) => {
    // Headers and options of the provider may have keys; neither changes the meaning of the request.
    const { abortSignal, headers: _, ...request } = options
    return { kind: 'model', name, request: { ...request, stream }, signal: abortSignal } as const
  }
  return {
    specificationVersion: 'v4',
    provider: name.slice(0, name.indexOf('/')),
    modelId: name.slice(name.indexOf('/') + 1),
    supportedUrls: {},
    doGenerate: (options) =>
      recording.play(trafficOf(options, false), async () =>
        withoutTransport(await (await resolve()).doGenerate(options)),
      ),
    async doStream(options) {
      const ask = async () => (await (await resolve()).doStream(options)).stream
      return { stream: await recording.playStream<LanguageModelV4StreamPart>(trafficOf(options, true), ask) }
    },
  }
}

/** Removes the HTTP request and response, which are not part of the answer. */
function withoutTransport({
  request: _,
  response,
  ...result
}: LanguageModelV4GenerateResult): LanguageModelV4GenerateResult {
  if (!response) return result
  const { headers: __, body: ___, ...recorded } = response
  return { ...result, response: recorded }
}
