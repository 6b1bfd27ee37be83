/** The thread of one step: the stored messages, and those that the turns of this step add. */
import { canonicalJson, hashJson, hashText, type Json, joinTaint, type TaintLabel } from '../../core/index.ts'
import { EncodedBody } from '../../journal/index.ts'
import { freeId, type ModelAnswer } from '../../models/index.ts'
import type { CarriedHistory, StepEntry, UnsavedMessages } from '../agent-port.ts'
import { carriedText, linesOf } from './content/carried-text.ts'
import {
  errorOutput,
  inputMessage,
  messageJson,
  newestWithin,
  type OpenCall,
  openCalls,
  type ThreadMessage,
  tokensOf,
  toolMessage,
  toolResult,
  userMessage,
  valueOutput,
} from './content/model-messages.ts'
import { unsentOf, visibleMessage } from './content/unsent.ts'
import { invokedAgents } from './coordination.ts'

/** A summary of all messages before its position in the thread. It is stored at that position, and sent in their place. */
interface Compaction {
  /** The number of messages that it summarises. */
  readonly through: number
  readonly summary: CarriedHistory
}
type SummaryMessage = ThreadMessage & { readonly compaction?: Compaction }

/**
 * Gives each call of `invoke_agent` the results of the agents that it named. The results are in the order of invocation,
 * but a policy may omit some; the last call gets all that the others did not take.
 */
function shareResults<R extends { readonly agent: string }>(
  calls: readonly OpenCall[],
  results: readonly R[],
): ReadonlyMap<OpenCall, readonly R[]> {
  const left = [...results]
  const take = (agent: string): readonly R[] => {
    const at = left.findIndex((result) => result.agent === agent)
    return at < 0 ? [] : left.splice(at, 1)
  }
  const last = calls.at(-1)
  return new Map(
    calls.map((call) => [call, call === last ? left : invokedAgents(call.input).flatMap((agent) => take(agent))]),
  )
}

/** The hash of a thread without messages. */
const emptyHash = hashJson('thread')

export class Thread {
  readonly #entry: StepEntry
  readonly #messages: ThreadMessage[]
  /** The same as models are sent them. */
  readonly #visible: ThreadMessage[]
  /** The messages of earlier steps, with their labels. */
  readonly stored: readonly { readonly message: ThreadMessage; readonly taint: readonly TaintLabel[] }[]
  #summary: (Compaction & { readonly message: ThreadMessage }) | undefined
  #stored: number
  #hashed = 0
  #counted = 0
  #tokens = 0
  #hash = emptyHash
  /** The ids of the tool calls in the messages. */
  readonly #usedIds = new Set<string>()
  /** The canonical texts of messages, which are measured, hashed and then stored. */
  readonly #texts = new WeakMap<ThreadMessage, string>()

  private constructor(entry: StepEntry, stored: Thread['stored']) {
    this.#entry = entry
    this.stored = stored
    this.#messages = stored.map(({ message }) => message)
    this.#visible = this.#messages.map(visibleMessage)
    this.#stored = stored.length
    for (const message of this.#messages) this.#read(message)
  }

  /**
   * Opens the thread of a step. Only its length is recorded: stored messages never change, so that a replay reads the
   * same ones, although this step has appended others since. The labels of the messages taint the step.
   */
  static async open(entry: StepEntry): Promise<Thread> {
    const { recorder, services, thread, isNewThread } = entry
    const stored = isNewThread ? [] : await services.records.threadMessages.load(recorder.principal.userId, thread)
    const length = await recorder.answer({ kind: 'thread', name: thread }, () => stored.length)
    const before = stored.slice(0, length) as unknown as Thread['stored']
    recorder.addTaint(joinTaint(...before.map(({ taint }) => taint)))
    return new Thread(entry, before)
  }

  /** The step's input: the results of a fan-out answer the call that began it, everything else is said by the user. */
  begin(input: Json, results: StepEntry['results']): void {
    const open = openCalls(this.#messages)
    const passedOn = errorOutput({ error: 'The work was passed on; what came of it did not come back here.' })
    const asked = results ? open.filter((call) => call.toolName === 'invoke_agent') : []
    const shares = shareResults(asked, results ?? [])
    const answers = open.map((call) => {
      const share = shares.get(call)
      return toolResult(call, share ? valueOutput({ results: share as Json }) : passedOn)
    })
    if (answers.length > 0) this.add(toolMessage(answers))
    if (asked.length > 0) return
    const { history, isOwnHistory } = this.#entry
    const carried = results || isOwnHistory ? undefined : carriedText(history)
    if (carried !== undefined) this.add(userMessage(carried))
    this.add(inputMessage(input))
  }

  /** Returns the messages that a stored thread of this length lacks, with open calls answered as aborted. */
  unsaved(stored: number): UnsavedMessages {
    const cut = errorOutput({
      error: 'This call was cut off: the work was cancelled. Whether it had an effect is not known.',
    })
    const closing = openCalls(this.#messages).map((call) => toolResult(call, cut))
    const messages = closing.length > 0 ? [...this.#messages, toolMessage(closing)] : this.#messages
    return { messages: messages.slice(stored).map(messageJson), taint: this.#entry.recorder.taint }
  }

  /** @returns the message as models are sent it */
  add(message: ThreadMessage): Json {
    this.#messages.push(message)
    const visible = visibleMessage(message)
    this.#visible.push(visible)
    this.#read(message)
    return messageJson(visible)
  }

  /**
   * Makes the ids of calls unique, because many models restart them in each answer and reject a thread with a repeated
   * id.
   */
  withFreeIds(answer: ModelAnswer): ModelAnswer {
    if (!answer.content.some(({ type }) => type === 'tool-call')) return answer
    const renamed = new Map<string, string>()
    for (const part of answer.content)
      if (part.type === 'tool-call') renamed.set(part.toolCallId, freeId(part.toolCallId, this.#usedIds))
    const content = answer.content.map((part) => {
      const id = 'toolCallId' in part ? renamed.get(part.toolCallId) : undefined
      return id === undefined ? part : { ...part, toolCallId: id }
    })
    return { ...answer, content }
  }

  /** Returns the messages that are sent to the model, within its memory options. */
  prompt(maxTokens: number | undefined): readonly ThreadMessage[] {
    return maxTokens === undefined ? this.messages : newestWithin(this.messages, maxTokens)
  }

  /**
   * Returns what a summary would replace: the summary before it, and the messages up to the newest `turns`, which have
   * at most `tokens`. Returns undefined if no message is old enough. A tool result is never separated from its call.
   */
  beforeNewest(
    agent: string,
    tokens: number,
    turns = Number.POSITIVE_INFINITY,
  ): { readonly through: number; readonly history: CarriedHistory } | undefined {
    const from = this.#summary?.through ?? 0
    let used = 0
    let answers = 0
    let begin = this.#visible.length
    for (let i = this.#visible.length - 1; i >= from; i--) {
      const message = this.#visible[i] as SummaryMessage
      if (message.compaction) continue
      used += tokensOf(message)
      if (message.role === 'assistant') answers++
      if ((used > tokens || answers > turns) && begin < this.#visible.length) break
      if (message.role !== 'tool') begin = i
    }
    const old = this.#visible.slice(from, begin).filter((message: SummaryMessage) => !message.compaction)
    if (begin === this.#visible.length || old.length === 0) return undefined
    return { through: begin, history: this.#withSummary(agent, old) }
  }

  /** Replaces the first `through` messages by the summary in later calls. @returns the summary as models get it */
  summarise(summary: CarriedHistory, through: number): Json {
    const message = userMessage(carriedText(summary) ?? '')
    this.add({ ...message, compaction: { through, summary } } as SummaryMessage)
    return messageJson(message)
  }

  /** Returns the thread as text: the summary, if there is one, and the messages since. */
  history(agent: string): CarriedHistory {
    return this.#withSummary(agent, this.#newer())
  }

  #withSummary(agent: string, messages: readonly ThreadMessage[]): CarriedHistory {
    const { lines = [], omitted } = this.#summary?.summary ?? {}
    return {
      kind: 'all',
      lines: [...lines, ...linesOf(agent, messages)],
      ...(omitted === undefined ? {} : { omitted }),
    }
  }

  /** Returns the texts of messages that are no longer sent, with their positions in the thread, from 1. */
  omittedMessages(
    maxTokens: number | undefined,
  ): readonly { readonly position: number; readonly role: string; readonly text: string }[] {
    const left = this.#messages.length - this.prompt(maxTokens).length
    return this.#messages.slice(0, left).flatMap((message, i) => {
      if (message.role === 'tool') return []
      const text = message.content.map((part) => (part.type === 'text' ? part.text : '')).join(' ')
      return text.trim() === '' ? [] : [{ position: i + 1, role: message.role, text }]
    })
  }

  /** Returns the complete text of a result that the conversation shortens; undefined if no call has this id. */
  completeResult(toolCallId: string): string | undefined {
    for (const message of this.#messages)
      if (message.role === 'tool')
        for (const part of message.content)
          if (part.type === 'tool-result' && part.toolCallId === toolCallId) return unsentOf<string>(part, 'complete')
    return undefined
  }

  get length(): number {
    return this.#messages.length
  }

  /** As models are sent them. */
  get messages(): readonly ThreadMessage[] {
    return this.#summary ? [this.#summary.message, ...this.#newer()] : this.#visible
  }

  #newer(): readonly ThreadMessage[] {
    if (!this.#summary) return this.#visible
    return this.#visible.slice(this.#summary.through).filter((each: SummaryMessage) => !each.compaction)
  }

  #read(message: SummaryMessage): void {
    if (message.role === 'assistant')
      for (const part of message.content) if (part.type === 'tool-call') this.#usedIds.add(part.toolCallId)
    if (!message.compaction) return
    const { compaction, ...sent } = message
    this.#summary = { ...compaction, message: sent as ThreadMessage }
    this.#tokens = tokensOf(this.messages)
    this.#counted = this.#messages.length
  }

  /**
   * Returns the hash of all messages that models get. It is extended by the newest messages, because hashing the complete
   * thread in each turn would be quadratic.
   */
  hash(): string {
    for (; this.#hashed < this.#visible.length; this.#hashed++) {
      const message = this.#visible[this.#hashed] as ThreadMessage
      this.#hash = hashText(this.#hash + this.#textOf(message))
      if (this.#hashed < this.stored.length) this.#texts.delete(message)
    }
    return this.#hash
  }

  #textOf(message: ThreadMessage): string {
    const known = this.#texts.get(message)
    if (known !== undefined) return known
    const text = canonicalJson(messageJson(message))
    this.#texts.set(message, text)
    return text
  }

  /** Returns the estimated tokens of the messages that are sent; each message is measured once. */
  tokens(maxTokens: number | undefined): number {
    for (; this.#counted < this.#visible.length; this.#counted++) {
      const message = this.#visible[this.#counted] as ThreadMessage
      this.#tokens += tokensOf(message, this.#textOf(message))
    }
    return maxTokens === undefined ? this.#tokens : Math.min(this.#tokens, maxTokens)
  }

  /** Stages the new messages in the turn. */
  stage(): void {
    const { recorder, services, thread, threadRun: run } = this.#entry
    const from = this.#stored
    const added = this.#messages.slice(from)
    if (added.length === 0) return
    this.#stored = this.#messages.length
    const { taint } = recorder
    recorder.stage({
      call: { kind: 'thread', name: `${thread} ${from}` },
      fragment: () =>
        services.records.threadMessages.append(recorder.principal.userId, thread, from, {
          messages: added.map((message) => new EncodedBody(this.#textOf(message))),
          taint,
          run,
        }),
      module: 'other',
    })
  }
}
