/** The conversation of one step: what was stored before, and what the turns of this step add to it. */
import { hashJson, type Json } from '../core/index.ts'
import type { StepEntry } from './agent-port.ts'
import {
  chainHash,
  errorOutput,
  type Message,
  newestWithin,
  openCalls,
  textOfInput,
  tokensOf,
  toolMessage,
  toolResult,
  userMessage,
  valueOutput,
} from './history.ts'

export class Conversation {
  readonly #entry: StepEntry
  readonly #messages: Message[]
  #stored: number
  #hashed = 0
  #counted = 0
  #tokens = 0
  #hash = hashJson('conversation')

  private constructor(entry: StepEntry, stored: readonly Message[]) {
    this.#entry = entry
    this.#messages = [...stored]
    this.#stored = stored.length
  }

  /**
   * Only the length is recorded: stored messages never change, so that on re-entry the first so many are the same ones,
   * whatever this step has appended since.
   */
  static async open(entry: StepEntry): Promise<Conversation> {
    const { recorder, services, conversation } = entry
    const stored = await services.conversations.load(recorder.principal.userId, conversation)
    const length = await recorder.answer({ kind: 'conversation', name: conversation }, () => stored.length)
    return new Conversation(entry, stored.slice(0, length) as unknown as readonly Message[])
  }

  /** The step's input: the results of a fan-out answer the call that began it, everything else is said by the user. */
  begin(input: Json, results: StepEntry['results']): void {
    const open = openCalls(this.#messages)
    const asked = results ? open.find((call) => call.toolName === 'invoke_agent') : undefined
    const passedOn = errorOutput({ error: 'The work was passed on; what came of it did not come back here.' })
    if (open.length > 0)
      this.add(
        toolMessage(
          open.map((call) =>
            toolResult(call, call === asked ? valueOutput({ results: results as unknown as Json }) : passedOn),
          ),
        ),
      )
    if (!asked) this.add(userMessage(textOfInput(input)))
  }

  /** What a stored conversation of so many messages lacks, its open calls answered as cut off. */
  rest(stored: number): readonly Json[] {
    const cut = errorOutput({
      error: 'This call was cut off: the work was cancelled. Whether it had an effect is not known.',
    })
    const closing = openCalls(this.#messages).map((call) => toolResult(call, cut))
    const messages = closing.length > 0 ? [...this.#messages, toolMessage(closing)] : this.#messages
    return messages.slice(stored) as unknown as readonly Json[]
  }

  add(message: Message): void {
    this.#messages.push(message)
  }

  /** What the model is sent, within its memory. */
  prompt(maxTokens: number | undefined): readonly Message[] {
    return maxTokens === undefined ? this.#messages : newestWithin(this.#messages, maxTokens)
  }

  get length(): number {
    return this.#messages.length
  }

  /** Of all that was said so far, grown from turn to turn. */
  hash(): string {
    this.#hash = chainHash(this.#hash, this.#messages.slice(this.#hashed))
    this.#hashed = this.#messages.length
    return this.#hash
  }

  /** Of what the model is sent, by length; each message is measured once. */
  tokens(maxTokens: number | undefined): number {
    for (; this.#counted < this.#messages.length; this.#counted++)
      this.#tokens += tokensOf(this.#messages[this.#counted])
    return maxTokens === undefined ? this.#tokens : Math.min(this.#tokens, maxTokens)
  }

  /** Puts what is new into the turn. */
  stage(): void {
    const { recorder, services, conversation } = this.#entry
    const from = this.#stored
    const added = this.#messages.slice(from) as unknown as readonly Json[]
    if (added.length === 0) return
    this.#stored = this.#messages.length
    recorder.stage({
      call: { kind: 'conversation', name: `${conversation} ${from}` },
      fragment: () => services.conversations.append(recorder.principal.userId, conversation, from, added),
      room: 'other',
    })
  }
}
