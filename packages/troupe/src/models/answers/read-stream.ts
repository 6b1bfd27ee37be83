/** Collects a streamed answer and passes its pieces on as they come. */
import type { LanguageModelV4Content, LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider'
import { invalidModelAnswer, reportedInStream } from '../model-failure.ts'
import type { LivePart } from '../models-port.ts'
import { maxAnswerCharacters, weightOf } from './read-answer.ts'

/** Pieces that bring nothing, keep-alives among them: more are a stream without end. */
const maxSilentPieces = 10_000

export interface StreamedAnswer {
  readonly content: LanguageModelV4Content[]
  readonly usage: LanguageModelV4Usage | undefined
  readonly finish: string
}

/**
 * @param onText told of each piece of text
 * @param onActivity told of each piece, whatever it is
 * @throws what the stream reports; an Error when it ends before its end
 */
export async function readStream(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  signal: AbortSignal,
  onText: (kind: 'text' | 'reasoning', delta: string) => void,
  onActivity: () => void = () => {},
): Promise<StreamedAnswer> {
  const texts = new Map<string, { type: 'text' | 'reasoning'; text: string }>()
  const content: LanguageModelV4Content[] = []
  let finish: { usage: LanguageModelV4Usage; reason: string } | undefined
  let size = 0
  let silent = 0
  const reader = stream.getReader()
  const onAbort = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for (;;) {
      const { done, value: part } = await reader.read()
      if (done || size > maxAnswerCharacters) break
      onActivity()
      const before = size
      if (part.type === 'error') throw reportedInStream(part.error)
      if (part.type === 'text-delta' || part.type === 'reasoning-delta') {
        const type = part.type === 'text-delta' ? 'text' : 'reasoning'
        const delta = String(part.delta ?? '')
        let text = texts.get(`${type} ${part.id}`)
        if (!text) {
          text = { type, text: '' }
          texts.set(`${type} ${part.id}`, text)
          content.push(text)
        }
        text.text += delta
        size += delta.length
        if (delta !== '') onText(type, delta)
      } else if (part.type === 'reasoning-end' && part.providerMetadata) {
        const text = texts.get(`reasoning ${part.id}`)
        if (text) Object.assign(text, { providerMetadata: part.providerMetadata })
      } else if (part.type === 'tool-call' || part.type === 'tool-result') {
        content.push(part)
        size += weightOf(part)
      } else if (part.type === 'tool-input-delta') {
        size += part.delta.length
      } else if (part.type === 'finish') {
        finish = { usage: part.usage, reason: part.finishReason?.unified ?? 'other' }
      }
      if (size === before && ++silent > maxSilentPieces)
        throw invalidModelAnswer('the stream went on and on saying nothing')
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Read to its end there is nothing to cancel; broken off, its connection closes, and nobody waits for that.
    void reader.cancel().catch(() => {})
    reader.releaseLock()
  }
  if (size > maxAnswerCharacters) return { content, usage: finish?.usage, finish: 'length' }
  if (!finish) throw invalidModelAnswer('the stream ended before the answer was whole')
  return { content, usage: finish.usage, finish: finish.reason }
}

/**
 * Passes pieces on over several attempts: where another attempt repeats what was said already, that is not said twice;
 * where it differs, a `reset` says that the text so far is void.
 */
export class LiveText {
  readonly #emit: (part: LivePart) => void
  #text = ''
  /** So much of what was said has this attempt repeated. */
  #repeated = 0

  constructor(emit: (part: LivePart) => void) {
    this.#emit = emit
  }

  begin(): void {
    this.#repeated = 0
  }

  text(delta: string): void {
    const left = this.#text.length - this.#repeated
    // Only the piece is compared: the whole, at each piece, would be quadratic.
    const repeats = left === 0 || this.#text.startsWith(delta.slice(0, left), this.#repeated)
    if (repeats && delta.length <= left) {
      this.#repeated += delta.length
      return
    }
    if (repeats) {
      this.#emit({ type: 'text-delta', delta: delta.slice(left) })
      this.#text += delta.slice(left)
    } else {
      this.#text = this.#text.slice(0, this.#repeated) + delta
      this.#emit({ type: 'reset', reason: 'the answer was cut off and begins anew' })
      this.#emit({ type: 'text-delta', delta: this.#text })
    }
    this.#repeated = this.#text.length
  }

  reasoning(delta: string): void {
    this.#emit({ type: 'reasoning-delta', delta })
  }
}
