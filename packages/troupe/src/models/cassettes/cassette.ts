/**
 * Recorded traffic as JSON lines: `{"cassette":1}`, then one interaction per line, found by the hash of its request and
 * the number of equal ones before. Secrets are removed before hashing and writing, so that a cassette can be replayed
 * with other secrets.
 */
import { failure, hashJson, type Json, type Recording, type Traffic, withoutByteOrderMark } from '../../core/index.ts'
import { fromJson, toCassetteJson } from './cassette-json.ts'
import { cassetteMiss } from './cassette-miss.ts'
import { type CassetteRedaction, createRedaction } from './cassette-redaction.ts'
import type { RecordedInteraction } from './recorded-interaction.ts'
import { redactParts } from './redact-parts.ts'

/**
 * `replay`: answers come from the cassette alone. `record`: a new cassette is recorded. `auto`: missing answers are
 * requested and recorded.
 */
export type CassetteMode = 'replay' | 'record' | 'auto'

/** The storage of a cassette, such as a file. */
export interface CassetteStore {
  /** Returns the text of the cassette; undefined if it does not exist. */
  read(): Promise<string | undefined>
  /** Replaces everything. */
  write(text: string): Promise<void>
  append(text: string): Promise<void>
}

export interface CassetteOptions {
  readonly store: CassetteStore
  readonly mode: CassetteMode
  /** Paths of values that are not recorded: `answer.output.iban`, `request.prompt.*.content`, `**.iban`. */
  readonly redact?: readonly string[]
  /** Values that are removed anywhere. */
  readonly secrets?: readonly string[]
}

const version = 1

/** @throws ValidationError `cassette.unreadable`; in mode `replay` also if the cassette does not exist */
export async function openCassette(options: CassetteOptions): Promise<Recording> {
  const { store, mode } = options
  const redaction = createRedaction(options)
  const text = mode === 'record' ? undefined : await store.read()
  if (text === undefined && mode === 'replay')
    throw failure('cassette.unreadable', { problem: 'the file does not exist, and mode replay needs it' })
  if (text === undefined) await store.write(`{"cassette":${version}}\n`)
  return new Cassette(options, redaction, text === undefined ? { recorded: [] } : readLines(text))
}

class Cassette implements Recording {
  readonly #store: CassetteStore
  readonly #mode: CassetteMode
  readonly #redaction: CassetteRedaction
  readonly #recorded = new Map<string, RecordedInteraction>()
  readonly #asked = new Map<string, number>()
  #written: Promise<void> = Promise.resolve()
  /** The text that replaces a cassette whose last line is incomplete, before a line is appended. */
  #repaired: string | undefined

  constructor({ store, mode }: CassetteOptions, redaction: CassetteRedaction, { recorded, repaired }: Lines) {
    this.#store = store
    this.#mode = mode
    this.#redaction = redaction
    this.#repaired = repaired
    // Numbered by their order, because the number of a call that its caller aborted has no record.
    const counts = new Map<string, number>()
    for (const one of recorded.toSorted((a, b) => a.nth - b.nth)) {
      const nth = (counts.get(one.key) ?? 0) + 1
      counts.set(one.key, nth)
      this.#recorded.set(`${one.key} ${nth}`, one)
    }
  }

  redactSecret(value: string): void {
    this.#redaction.redactSecret(value)
  }

  async play<Out>(traffic: Traffic, ask: () => Promise<Out>): Promise<Out> {
    const { found, interactionKey } = this.#find(traffic)
    if (found) {
      if (found.error !== undefined) throw fromJson(found.error)
      return fromJson(found.answer ?? null) as Out
    }
    let out: Out
    try {
      out = await ask()
    } catch (error) {
      await this.#recordFailure(traffic, interactionKey, error)
      throw error
    }
    await this.#record({ ...interactionKey, answer: this.#redaction.of({ answer: toCassetteJson(out) }, 'answer') })
    return out
  }

  async playStream<Part>(traffic: Traffic, ask: () => Promise<ReadableStream<Part>>): Promise<ReadableStream<Part>> {
    const { found, interactionKey } = this.#find(traffic)
    if (found) {
      if (!found.parts) throw fromJson(found.error ?? null)
      return replayedStream<Part>(found)
    }
    const stream = await ask().catch(async (error: unknown) => {
      await this.#recordFailure(traffic, interactionKey, error)
      throw error
    })
    return this.#recording(stream, interactionKey, traffic)
  }

  /** Passes the parts on as they come, and records them when the stream ends, fails or reports an error. */
  #recording<Part>(
    stream: ReadableStream<Part>,
    interactionKey: InteractionKey,
    { signal }: Traffic,
  ): ReadableStream<Part> {
    const parts: Json[] = []
    const reader = stream.getReader()
    const save = (error?: unknown) =>
      this.#record({
        ...interactionKey,
        parts: redactParts(parts, this.#redaction),
        ...(error === undefined ? {} : { error: this.#redaction.of({ error: toCassetteJson(error) }, 'error') }),
      })
    return new ReadableStream<Part>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read().catch(async (error: unknown) => {
            if (!signal?.aborted) await save(error)
            throw error
          })
          if (done) {
            await save()
            return controller.close()
          }
          parts.push(toCassetteJson(value))
          // A reader stops at an error, so the recording is written now.
          if ((value as { readonly type?: unknown }).type === 'error') await save()
          controller.enqueue(value)
        } catch (error) {
          controller.error(error)
        }
      },
      // The reader cancelled: a partial answer is not recorded.
      cancel: (reason) => reader.cancel(reason),
    })
  }

  #find(traffic: Traffic): {
    readonly found: RecordedInteraction | undefined
    readonly interactionKey: InteractionKey
  } {
    const { kind, name } = traffic
    const request = this.#redaction.of({ request: toCassetteJson(traffic.request) }, 'request')
    const key = hashJson([kind, name, request])
    const nth = (this.#asked.get(key) ?? 0) + 1
    this.#asked.set(key, nth)
    const found = this.#recorded.get(`${key} ${nth}`)
    if (!found && this.#mode === 'replay')
      throw failure('cassette.miss', {
        kind,
        name,
        problem: cassetteMiss({ kind, name, key, nth, request }, this.#recorded.values()),
      })
    return { found, interactionKey: { kind, name, key, nth, request } }
  }

  /** A call that its caller aborted is not recorded. */
  async #recordFailure({ signal }: Traffic, interactionKey: InteractionKey, error: unknown): Promise<void> {
    if (!signal?.aborted)
      await this.#record({ ...interactionKey, error: this.#redaction.of({ error: toCassetteJson(error) }, 'error') })
  }

  /**
   * Lines are written one after the other, and each caller waits for its line, so that a crash loses no answer that was
   * returned.
   * @throws ProcessingError `cassette.unwritten`
   */
  #record(interaction: RecordedInteraction): Promise<void> {
    const mine = this.#written.then(() => this.#write(`${JSON.stringify(interaction)}\n`))
    this.#written = mine.catch(() => {})
    return mine
  }

  async #write(line: string): Promise<void> {
    try {
      if (this.#repaired !== undefined) await this.#store.write(this.#repaired)
      this.#repaired = undefined
      await this.#store.append(line)
    } catch (cause) {
      throw failure('cassette.unwritten', { problem: (cause as Error).message }, { cause })
    }
  }
}

type InteractionKey = Pick<RecordedInteraction, 'kind' | 'name' | 'key' | 'nth' | 'request'>

function replayedStream<Part>({ parts = [], error }: RecordedInteraction): ReadableStream<Part> {
  let next = 0
  return new ReadableStream<Part>({
    pull(controller) {
      if (next < parts.length) controller.enqueue(fromJson(parts[next++] as Json) as Part)
      else if (error === undefined) controller.close()
      else controller.error(fromJson(error))
    },
  })
}

interface Lines {
  readonly recorded: readonly RecordedInteraction[]
  readonly repaired?: string
}

function readLines(text: string): Lines {
  const lines = withoutByteOrderMark(text)
    .split('\n')
    .filter((line) => line !== '')
  const read = lines.map((line, i) => {
    try {
      return JSON.parse(line) as RecordedInteraction & { readonly cassette?: number }
    } catch {
      // After a crash the last line may be incomplete. The caller has not received its answer.
      if (i === lines.length - 1 && i > 0) return undefined
      throw failure('cassette.unreadable', { problem: `line ${i + 1} is not JSON` })
    }
  })
  if (read[0]?.cassette !== version)
    throw failure('cassette.unreadable', { problem: `its first line is not {"cassette":${version}}` })
  const recorded = read.slice(1).flatMap((one, i) => {
    if (!one) return []
    if (one.key !== hashJson([one.kind, one.name, one.request]))
      throw failure('cassette.unreadable', {
        problem: `the request of line ${i + 2} was changed: its key does not fit`,
      })
    return [one]
  })
  const complete = lines.filter((_, i) => read[i] !== undefined)
  const ended = text.endsWith('\n') && complete.length === lines.length
  return { recorded, ...(ended ? {} : { repaired: `${complete.join('\n')}\n` }) }
}
