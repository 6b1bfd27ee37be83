/** Returns a complete result as a stream: text word by word, a tool call with its input. */
import type { LanguageModelV4Content, LanguageModelV4GenerateResult, LanguageModelV4StreamPart } from '@ai-sdk/provider'

export function streamOf(
  result: LanguageModelV4GenerateResult,
  signal: AbortSignal | undefined,
): ReadableStream<LanguageModelV4StreamPart> {
  const parts = partsOf(result)
  return new ReadableStream({
    pull(controller) {
      if (signal?.aborted) return controller.error(signal.reason)
      const { value, done } = parts.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
}

function* partsOf({
  content,
  finishReason,
  usage,
  warnings,
  response,
}: LanguageModelV4GenerateResult): Generator<LanguageModelV4StreamPart> {
  yield { type: 'stream-start', warnings }
  yield { type: 'response-metadata', ...response }
  for (const [i, part] of content.entries()) yield* piecesOf(part, `${i + 1}`)
  yield { type: 'finish', finishReason, usage }
}

function* piecesOf(part: LanguageModelV4Content, id: string): Generator<LanguageModelV4StreamPart> {
  if (part.type === 'text') {
    yield { type: 'text-start', id }
    for (const [delta] of part.text.matchAll(/\S+\s*|\s+/g)) yield { type: 'text-delta', id, delta }
    yield { type: 'text-end', id }
  } else if (part.type === 'tool-call') {
    const { toolCallId, toolName, input } = part
    yield { type: 'tool-input-start', id: toolCallId, toolName }
    yield { type: 'tool-input-delta', id: toolCallId, delta: input }
    yield { type: 'tool-input-end', id: toolCallId }
    yield part
  }
}
