/** The messages of a thread, as `orchestra.thread` and the page show them. */
import type { ContentPart, Json, TaintLabel } from '../../core/index.ts'
import type { ThreadMessage } from '../model/content/model-messages.ts'
import { unsentOf } from '../model/content/unsent.ts'
import type { StoredMessage } from '../services-port.ts'

/** A part of a message in a thread. */
export type ThreadPart =
  | ContentPart
  /** A call of a tool by the agent. */
  | {
      readonly type: 'tool-call'
      /** The id of the call, with which its result names it. */
      readonly id: string
      /** The name of the tool. */
      readonly name: string
      /** The arguments that the model sent. */
      readonly args: Json
    }
  /** The result of a call. */
  | {
      readonly type: 'tool-result'
      /** The id of the call. */
      readonly id: string
      /** The name of the tool. */
      readonly name: string
      /** The result as the model reads it. That of a failed call is `{ error }`, with `errorId` if its text comes from code that is not Troupe's. */
      readonly result: Json
    }

/** A message in a thread. */
export type ShownMessage = {
  /** `user` for the user, `assistant` for the agent or the team, `tool` for the results of tools. */
  readonly role: 'user' | 'assistant' | 'tool'
  /** The text of the message; empty if it has none. */
  readonly text: string
  /** The parts of the message: texts, files, and calls of tools with their results. */
  readonly content: readonly ThreadPart[]
  /** The taint labels of the message; absent for none. */
  readonly taint?: readonly TaintLabel[]
  /** The id of the run that added the message; absent for a message of a session. */
  readonly run?: string
}

/** Returns the messages without the reasoning of models and without summaries, which repeat other messages. */
export const shownMessages = (stored: readonly StoredMessage[]): readonly ShownMessage[] =>
  stored.flatMap(({ message, taint, run }) => {
    if ('compaction' in (message as object)) return []
    const { role, content } = message as unknown as ThreadMessage
    const parts = content.flatMap(partOf)
    return [
      {
        role,
        text: parts.map((part) => (part.type === 'text' ? part.text : '')).join(''),
        content: parts,
        ...(taint.length > 0 ? { taint } : {}),
        ...(run === undefined ? {} : { run }),
      },
    ]
  })

/** A long error is stored as its beginning. */
const failedResult = (read: Json, errorId: string): Json =>
  typeof read === 'string' ? { error: read, errorId } : { ...(read as { readonly error: string }), errorId }

function partOf(part: ThreadMessage['content'][number]): readonly ThreadPart[] {
  switch (part.type) {
    case 'text':
      return [{ type: 'text', text: part.text }]
    case 'file': {
      const { mediaType, filename, data } = part
      const stored = (data as { readonly data?: unknown }).data
      return typeof stored === 'string'
        ? [{ type: 'file', mediaType, data: stored, ...(filename === undefined ? {} : { filename }) }]
        : []
    }
    case 'tool-call':
      return [{ type: 'tool-call', id: part.toolCallId, name: part.toolName, args: part.input as Json }]
    case 'tool-result': {
      const { toolCallId: id, toolName: name, output } = part
      const read = output.type === 'execution-denied' ? { error: output.reason ?? '' } : (output.value as Json)
      const errorId = unsentOf<string>(part, 'errorId')
      return [{ type: 'tool-result', id, name, result: errorId === undefined ? read : failedResult(read, errorId) }]
    }
    default:
      return []
  }
}
