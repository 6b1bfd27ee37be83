/** Collects a streamed answer and passes its parts on as they arrive. */
import type {
  LanguageModelV4Content,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from '@ai-sdk/provider'
import { whenAborted } from '../../core/index.ts'
import { invalidModelAnswer, isUnknownEvent, reportedInStream } from '../model-failure.ts'
import type { LivePart } from '../models-port.ts'
import { maxAnswerCharacters, readFile, weightOf } from './read-answer.ts'

/** The maximal number of parts without content, such as keep-alives. More of them count as an endless stream. */
const maxSilentPieces = 10_000

export interface StreamedAnswer {
  readonly content: LanguageModelV4Content[]
  readonly usage: LanguageModelV4Usage | undefined
  readonly finish: string
  readonly metadata?: SharedV4ProviderMetadata
  readonly warnings?: readonly SharedV4Warning[]
  readonly response?: ResponseNames | undefined
}

/** How the provider names its answer. */
export interface ResponseNames {
  readonly id?: string
  readonly modelId?: string
}

/**
 * @param onText called with each piece of text
 * @param onActivity called for each part
 * @throws the error that the stream reports; an Error if the stream is cut off
 */
export async function readStream(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  signal: AbortSignal,
  onText: (kind: 'text' | 'reasoning', delta: string) => void,
  onActivity: () => void = () => {},
): Promise<StreamedAnswer> {
  const texts = new Map<string, StreamedText>()
  const content: LanguageModelV4Content[] = []
  let finish: { usage: LanguageModelV4Usage; reason: string; metadata?: SharedV4ProviderMetadata } | undefined
  /** Texts may overlap in the stream of a provider. */
  const textOf = (type: StreamedText['type'], id: string) => {
    const found = texts.get(`${type} ${id}`)
    if (found) return found
    const text: StreamedText = { type, text: '' }
    texts.set(`${type} ${id}`, text)
    content.push(text)
    return text
  }
  let warnings: readonly SharedV4Warning[] = []
  let response: ResponseNames | undefined
  let size = 0
  let silent = 0
  if (typeof stream?.getReader !== 'function')
    throw invalidModelAnswer('doStream must return { stream }, a ReadableStream')
  const reader = stream.getReader()
  // The signal may have aborted before the provider answered.
  const stopWatching = whenAborted(signal, () => void reader.cancel(signal.reason).catch(() => {}))
  try {
    for (;;) {
      const { done, value: part } = await reader.read()
      if (done || size > maxAnswerCharacters) break
      onActivity()
      const before = size
      if (part.type === 'error' && !isUnknownEvent(part.error)) throw reportedInStream(part.error)
      if (isTextPiece(part)) {
        const type = part.type.startsWith('text') ? 'text' : 'reasoning'
        // The signature of a reasoning comes with its start, a delta or its end, depending on the provider.
        if (part.providerMetadata) addMetadata(textOf(type, part.id), part.providerMetadata)
        if ('delta' in part) {
          const delta = String(part.delta ?? '')
          textOf(type, part.id).text += delta
          size += delta.length
          if (delta !== '') onText(type, delta)
        }
      } else if (part.type === 'file') {
        // Measured as text, since bytes would be a list of numbers in JSON.
        const made = readFile(part, content.length)
        if (made) content.push(made.type === 'file' ? { ...made, data: { type: 'data', data: made.data } } : made)
        size += made ? weightOf(made) : 0
      } else if (part.type === 'tool-call' || part.type === 'tool-result' || part.type === 'source') {
        content.push(part)
        size += weightOf(part)
      } else if (part.type === 'stream-start') {
        warnings = part.warnings
      } else if (part.type === 'response-metadata') {
        response = part
      } else if (part.type === 'tool-input-delta') {
        size += part.delta.length
      } else if (part.type === 'finish') {
        finish = {
          usage: part.usage,
          reason: part.finishReason?.unified ?? 'other',
          ...(part.providerMetadata ? { metadata: part.providerMetadata } : {}),
        }
      }
      if (size === before && ++silent > maxSilentPieces)
        throw invalidModelAnswer('the stream sent too many parts without content')
    }
  } finally {
    stopWatching()
    // A stream that was read to its end needs no cancel. If it was interrupted, its connection closes in the background.
    void reader.cancel().catch(() => {})
    reader.releaseLock()
  }
  if (size > maxAnswerCharacters) return { content, usage: finish?.usage, finish: 'length', response }
  if (!finish) throw invalidModelAnswer('the stream ended before the answer was whole')
  const { usage, reason, metadata } = finish
  return { content, usage, finish: reason, warnings, response, ...(metadata ? { metadata } : {}) }
}

interface StreamedText {
  readonly type: 'text' | 'reasoning'
  text: string
  providerMetadata?: SharedV4ProviderMetadata
}

const textPieces = ['text-start', 'text-delta', 'text-end', 'reasoning-start', 'reasoning-delta', 'reasoning-end']
type TextPiece = Extract<LanguageModelV4StreamPart, { type: `${'text' | 'reasoning'}-${'start' | 'delta' | 'end'}` }>
const isTextPiece = (part: LanguageModelV4StreamPart): part is TextPiece => textPieces.includes(part.type)

function addMetadata(text: StreamedText, metadata: SharedV4ProviderMetadata): void {
  const merged = { ...text.providerMetadata }
  for (const [provider, fields] of Object.entries(metadata)) merged[provider] = { ...merged[provider], ...fields }
  text.providerMetadata = merged
}

/**
 * Passes text on over several attempts. Text that a later attempt repeats is not passed on twice. If the later attempt
 * differs, or reasons again, a `reset` declares the parts so far void.
 */
export class LiveText {
  readonly #emit: (part: LivePart) => void
  #text = ''
  /** How many characters of the earlier text this attempt has repeated. */
  #repeated = 0
  /** Whether this attempt has emitted reasoning, and whether parts of an earlier attempt are still valid. */
  #hasReasoned = false
  #isRepeating = false

  constructor(emit: (part: LivePart) => void) {
    this.#emit = emit
  }

  begin(): void {
    this.#repeated = 0
    this.#isRepeating ||= this.#hasReasoned || this.#text !== ''
    this.#hasReasoned = false
  }

  text(delta: string): void {
    const left = this.#text.length - this.#repeated
    // Only the new piece is compared. To compare all text for each piece would be quadratic.
    const repeats = left === 0 || this.#text.startsWith(delta.slice(0, left), this.#repeated)
    if (repeats && delta.length <= left) {
      this.#repeated += delta.length
      return
    }
    if (repeats) {
      this.#emit({ type: 'text-delta', delta: delta.slice(left) })
      this.#text += delta.slice(left)
    } else this.#replace(this.#text.slice(0, this.#repeated) + delta)
    this.#repeated = this.#text.length
  }

  /** Ends the attempt that has answered: text of an earlier attempt that the answer does not have becomes void. */
  end(): void {
    if (this.#repeated < this.#text.length) this.#replace(this.#text.slice(0, this.#repeated))
  }

  #replace(text: string): void {
    this.#text = text
    this.#isRepeating = false
    this.#emit({ type: 'reset', reason: 'the answer was cut off and starts again' })
    if (text !== '') this.#emit({ type: 'text-delta', delta: text })
  }

  reasoning(delta: string): void {
    // A reset after this part would declare it void too.
    if (this.#isRepeating && !this.#hasReasoned) {
      this.#replace(this.#text.slice(0, this.#repeated))
      this.#repeated = this.#text.length
    }
    this.#hasReasoned = true
    this.#emit({ type: 'reasoning-delta', delta })
  }
}
