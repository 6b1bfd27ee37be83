/** What a provider would refuse in a conversation that it is sent, or undefined where it is valid. */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Body } from './open-provider-server.ts'

/** Calls and results in order; `textMarks` is whatever must not stand between a call and its result. */
type Mark = { readonly is: 'call' | 'result'; readonly id: string } | { readonly is: 'text' }
interface Block {
  readonly type?: string
  readonly id?: string
  readonly tool_use_id?: string
  readonly text?: string
}

export function historyProblem(asked: Body | LanguageModelV4Prompt): string | undefined {
  const marks = Array.isArray(asked) ? ofPrompt(asked) : ofBody(asked as Body)
  const open = new Set<string>()
  const all = new Set<string>()
  for (const mark of marks) {
    if (mark.is === 'text') {
      if (open.size > 0) return `${[...open]} has no result`
    } else if (mark.is === 'call') {
      if (mark.id === '' || all.has(mark.id)) return `the id "${mark.id}" is empty or stands twice`
      all.add(mark.id)
      open.add(mark.id)
    } else if (!open.delete(mark.id)) return `the result of ${mark.id} answers no call`
  }
  return open.size > 0 ? `${[...open]} has no result` : emptyOf(asked)
}

function ofPrompt(prompt: LanguageModelV4Prompt): Mark[] {
  return prompt.flatMap((message): Mark[] => {
    if (message.role === 'user') return [{ is: 'text' }]
    if (message.role === 'assistant')
      return message.content.flatMap((part): Mark[] =>
        part.type === 'tool-call' || part.type === 'tool-result'
          ? [{ is: part.type === 'tool-call' ? 'call' : 'result', id: part.toolCallId }]
          : [],
      )
    return message.role === 'tool'
      ? message.content.flatMap((part): Mark[] =>
          part.type === 'tool-result' ? [{ is: 'result', id: part.toolCallId }] : [],
        )
      : []
  })
}

function ofBody({ messages = [], input = [] }: Body): Mark[] {
  const ofItems = input.flatMap((item): Mark[] => {
    const { call_id: id = '' } = item as { readonly call_id?: string }
    if (item.type === 'function_call') return [{ is: 'call', id }]
    if (item.type === 'function_call_output') return [{ is: 'result', id }]
    return item.role === 'user' ? [{ is: 'text' }] : []
  })
  const ofMessages = messages.flatMap((message): Mark[] => {
    const { tool_calls: calls = [], tool_call_id: answered } = message as {
      readonly tool_calls?: readonly { readonly id: string }[]
      readonly tool_call_id?: string
    }
    if (message.role === 'tool') return [{ is: 'result', id: answered ?? '' }]
    const blocks = Array.isArray(message.content) ? (message.content as readonly Block[]) : []
    const marks = blocks.flatMap((block): Mark[] => {
      if (block.type === 'tool_use') return [{ is: 'call', id: block.id ?? '' }]
      return block.type === 'tool_result' ? [{ is: 'result', id: block.tool_use_id ?? '' }] : []
    })
    const textMarks: Mark[] = message.role === 'user' && marks.length === 0 ? [{ is: 'text' }] : []
    return [...textMarks, ...calls.map(({ id }): Mark => ({ is: 'call', id })), ...marks]
  })
  return [...ofItems, ...ofMessages]
}

/** Providers refuse messages and texts without anything in them. */
function emptyOf(asked: Body | LanguageModelV4Prompt): string | undefined {
  const messages = (Array.isArray(asked) ? asked : ((asked as Body).messages ?? [])) as NonNullable<Body['messages']>
  for (const message of messages) {
    const { tool_calls: calls } = message as { readonly tool_calls?: readonly unknown[] }
    if (calls?.length) continue
    if (message.content === '' || message.content === null) return `a message of ${message.role} is empty`
    if (!Array.isArray(message.content)) continue
    if (message.content.length === 0) return `a message of ${message.role} is empty`
    if (message.content.some(({ type, text }: Block) => type === 'text' && text?.trim() === ''))
      return `a text of ${message.role} is empty`
  }
  return undefined
}
