/**
 * Threads of the user whose agent stores no messages by itself: a function agent, one of another framework, or a team. Each
 * turn is the message of the user and the answer, and the next turn gets the messages before it as a history.
 */
import {
  canonicalJson,
  isLongValue,
  type Json,
  joinTaint,
  longPart,
  type TaintLabel,
  TimeSlice,
  truncateText,
  type WorkInParts,
} from '../../core/index.ts'
import { EncodedBody } from '../../journal/index.ts'
import type { Agent, CarriedHistory, HistoryLine, Outcome, StepEntry } from '../agent-port.ts'
import { BaseLlmAgent } from '../definitions/base-llm-agent.ts'
import { linesOf } from '../model/content/carried-text.ts'
import { inputMessage, messageJson, type ThreadMessage } from '../model/content/model-messages.ts'
import type { StoredMessage } from '../services-port.ts'

/** The highest number of characters of the messages that one turn gets. */
const maxHistory = 20_000

/** Returns what a thread has said, for the next step: the first line and the newest ones; undefined for an empty thread. */
export function threadHistory(name: string, stored: readonly StoredMessage[]): CarriedHistory | undefined {
  const [first, ...others] = linesOf(
    name,
    stored.map(({ message }) => message as unknown as ThreadMessage).filter(isMessage),
  )
  if (first === undefined) return undefined
  const opening = shortened(first, maxHistory / 4)
  let left = maxHistory - opening.text.length
  const newest: HistoryLine[] = []
  for (const line of others.toReversed()) {
    const shown = newest.length === 0 ? shortened(line, left) : line
    left -= shown.text.length
    if (left < 0) break
    newest.unshift(shown)
  }
  const omitted = others.length - newest.length
  return { kind: 'all', lines: [opening, ...newest], ...(omitted > 0 ? { omitted } : {}) }
}

/** Summaries repeat what the thread has said. */
const isMessage = (message: ThreadMessage): boolean => !('compaction' in message)

const shortened = ({ from, text }: HistoryLine, maxLength: number): HistoryLine => ({
  from,
  text: text.length > maxLength ? `${truncateText(text, maxLength - 1)}…` : text,
})

/** The labels of the messages, which the step that reads them carries. */
export const taintOfMessages = (stored: readonly StoredMessage[]): readonly TaintLabel[] =>
  joinTaint(...stored.map(({ taint }) => taint))

/** Returns a turn as messages, in parts: of the user, and of the agent if it has answered. */
export function* encodeTurn(message: Json, answer: Json | undefined): WorkInParts<readonly EncodedBody[]> {
  const asked = yield* encodeMessage('user', message)
  return answer === undefined ? [asked] : [asked, yield* encodeMessage('assistant', answer)]
}

function* encodeMessage(role: 'user' | 'assistant', value: Json): WorkInParts<EncodedBody> {
  const isLong = isLongValue(value)
  if (isLong) yield longPart
  const message = messageJson(inputMessage(value))
  if (isLong) yield longPart
  return new EncodedBody(canonicalJson({ ...(message as object), role }))
}

/**
 * Executes a step that continues a thread of the user. An LlmAgent, alone or in a pool, reads and appends the messages itself.
 * Any other agent gets what was said before as `history`, and its message and answer are committed with the end of the step.
 */
export async function threadStep(agent: Agent, entry: StepEntry): Promise<Outcome> {
  if (agent instanceof BaseLlmAgent) return agent.step(entry)
  const { recorder, services, thread, isNewThread, threadRun: run } = entry
  const user = recorder.principal.userId
  const stored = isNewThread ? [] : await services.records.threadMessages.load(user, thread)
  // Stored messages never change, so a replay reads the same ones.
  const length = await recorder.answer({ kind: 'thread', name: thread }, () => stored.length)
  const before = stored.slice(0, length)
  recorder.addTaint(taintOfMessages(before))
  const history = threadHistory(agent.name, before)
  let isOpened = false
  const outcome = await agent.step({
    ...entry,
    ...(history ? { history, isOwnHistory: true } : {}),
    onThread: (unsaved) => {
      isOpened = true
      entry.onThread?.(unsaved)
    },
  })
  if (isOpened || entry.results) return outcome
  const turn = encodeTurn(entry.input, 'value' in outcome ? outcome.value : undefined)
  const messages = await new TimeSlice(services.platform.clock).finish(turn, 1)
  const { taint } = recorder
  recorder.stage({
    call: { kind: 'thread', name: `${thread} ${length}` },
    fragment: () => services.records.threadMessages.append(user, thread, length, { messages, taint, run }),
    module: 'other',
  })
  return outcome
}

/** Executes a step of a run: it answers a request, continues a thread of the user, or has a thread inside of the run. */
export async function stepOfRun(agent: Agent, entry: StepEntry): Promise<Outcome> {
  if (entry.serve && agent.serve) return { kind: 'value', value: await agent.serve(entry.serve, entry) }
  return entry.threadRun === undefined ? agent.step(entry) : threadStep(agent, entry)
}
