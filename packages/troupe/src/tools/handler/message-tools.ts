/** The tools for messages. A model writes a text; its kind is the type of the message. */
import { z } from 'zod'
import { type Duration, failure, type Json, type Page } from '../../core/index.ts'
import { defineMessage, type ListedMessage, replaceBytes, type SendOutcome } from '../../messaging/index.ts'
import {
  type JsonObject,
  optionalArgument,
  plain,
  seconds,
  type ToolClients,
  type ToolSpec,
  toolSpec,
} from './tool-spec.ts'

const kinds = ['info', 'request', 'update', 'question', 'result', 'task', 'error', 'announcement'] as const
const priorities = ['low', 'normal', 'high', 'urgent'] as const

const sentAs = (usual: (typeof kinds)[number]) => ({
  message: z.string().describe('The message, in words.'),
  message_type: optionalArgument(z.enum(kinds), `The kind of message; ${usual} by default.`),
  priority: optionalArgument(z.enum(priorities), 'normal by default.'),
  ttl: seconds('Seconds after which it is not delivered any more; above zero.'),
})
type Sent = z.output<z.ZodObject<ReturnType<typeof sentAs>>>
const common = (args: Sent) => ({
  ...(args.priority ? { priority: args.priority } : {}),
  ...(typeof args.ttl === 'number' ? { ttl: `${Math.max(1, Math.round(args.ttl * 1_000))}ms` as Duration } : {}),
})

const unavailable = () => failure('tool.unavailable', { tool: 'The tools for messages' })

function messagesOf({ messages }: ToolClients): NonNullable<ToolClients['messages']> {
  if (!messages) throw unavailable()
  return messages
}
function mailboxOf({ mailbox }: ToolClients): NonNullable<ToolClients['mailbox']> {
  if (!mailbox) throw unavailable()
  return mailbox
}

const sendMessage = toolSpec({
  name: 'send_message_to_agent',
  description: 'Sends a message to another agent. It stays in the mailbox until it is read.',
  arguments: {
    to_agent: z.string().describe('The agent, by its exact name.'),
    ...sentAs('info'),
    requires_confirmation: optionalArgument(z.boolean(), 'true: you are notified when it was read.'),
    thread_id: optionalArgument(z.string(), 'The conversation that it belongs to.'),
  },
  async run(clients, args) {
    const confirm = args.requires_confirmation === true
    const threadId = args.thread_id ?? (confirm ? `thread_${clients.ids.next()}` : undefined)
    const type = args.message_type ?? 'info'
    const message = await messagesOf(clients).send(defineMessage(type), args.message, {
      to: args.to_agent,
      ...common(args),
      ...(threadId === undefined ? {} : { threadId }),
      ...(confirm ? { requiresConfirmation: true } : {}),
    })
    return plain({
      message_id: message.id,
      from_agent: clients.agent,
      to_agent: args.to_agent,
      message_type: type,
      priority: args.priority ?? 'normal',
      ttl: args.ttl ?? undefined,
      requires_confirmation: confirm,
      thread_id: threadId,
      message: `Message sent to ${args.to_agent}`,
    })
  },
})

const broadcastMessage = toolSpec({
  name: 'broadcast_message_to_agents',
  description: 'Sends one message to several agents, as one conversation. One that fails does not stop the others.',
  arguments: {
    to_agents: z.array(z.string()).describe('The agents, by their exact names.'),
    ...sentAs('announcement'),
  },
  async run(clients, args) {
    const broadcastId = clients.ids.next()
    const outcomes = await messagesOf(clients).broadcast(
      defineMessage(args.message_type ?? 'announcement'),
      args.message,
      {
        to: args.to_agents,
        ...common(args),
        metadata: { broadcast_id: broadcastId },
      },
    )
    const successful = outcomes.filter(({ success }) => success).length
    const [first] = outcomes
    return plain({
      // The call fails if no recipient gets the message. A failure of some recipients does not affect the others.
      ...(first && !first.success && successful === 0
        ? { success: false, error: first.error.message, code: first.error.code, suggestion: first.error.hint }
        : {}),
      broadcast_id: broadcastId,
      total_recipients: outcomes.length,
      successful_sends: successful,
      failed_sends: outcomes.length - successful,
      thread_id: outcomes.find((sent) => sent.success)?.threadId,
      results: outcomes.map(outcome),
      message: `Message sent to ${successful} of ${outcomes.length} agents`,
    })
  },
})
const outcome = (sent: SendOutcome): Json =>
  sent.success
    ? { agent: sent.to, success: true, message_id: sent.id }
    : { agent: sent.to, success: false, error: sent.error.message, code: sent.error.code }

const getMessages = toolSpec({
  name: 'get_messages_from_agents',
  description: 'Reads your messages, the oldest first, and marks them as read.',
  arguments: {
    unread_only: optionalArgument(z.boolean(), 'false: include messages that were read; true by default.'),
    from_agent: optionalArgument(z.string(), 'Only from this agent.'),
    message_type: optionalArgument(z.string(), 'Only of this kind.'),
    thread_id: optionalArgument(z.string(), 'Only of this conversation.'),
    priority: optionalArgument(z.enum(priorities), 'Only of this priority.'),
    mark_as_read: optionalArgument(z.boolean(), 'false: leave them unread; true by default.'),
    sort_by_priority: optionalArgument(z.boolean(), 'true: the most urgent first.'),
    limit: optionalArgument(z.int().min(1).max(1_000), 'The maximal number of results, 1 to 1000; 50 by default.'),
    cursor: optionalArgument(z.string(), 'The cursor of the previous answer, to continue from there.'),
  },
  async run(clients, args) {
    const mailbox = mailboxOf(clients)
    const filter = {
      unreadOnly: args.unread_only !== false,
      ...(args.from_agent ? { from: args.from_agent } : {}),
      ...(args.message_type ? { type: args.message_type } : {}),
      ...(args.thread_id ? { threadId: args.thread_id } : {}),
      ...(args.priority ? { priority: args.priority } : {}),
    }
    const total = await mailbox.total(filter)
    const page: Page<ListedMessage> = await mailbox.messages({
      ...filter,
      limit: args.limit ?? 50,
      ...(args.sort_by_priority ? { order: 'priority' as const } : {}),
      ...(args.cursor ? { cursor: args.cursor } : {}),
    })
    const found = page.items
    const marks = args.mark_as_read !== false
    const confirmed = marks ? await mailbox.confirmRead(found) : 0
    return plain({
      messages: found.map((message) => shown(message, marks)),
      count: found.length,
      total_available: total,
      threads: threadsOf(found),
      unthreaded_messages: found.filter(({ threadId }) => threadId === undefined).map(({ id }) => id),
      confirmations_sent: confirmed,
      filters_applied: applied({ ...args, unread_only: filter.unreadOnly }),
      cursor: page.cursor,
    })
  },
})

/** The filters of a call, without absent ones. */
const filters = ['unread_only', 'from_agent', 'message_type', 'thread_id', 'priority'] as const
const applied = (args: { readonly [filter in (typeof filters)[number]]?: Json | undefined }): JsonObject =>
  Object.fromEntries(filters.flatMap((filter) => (args[filter] == null ? [] : [[filter, args[filter] as Json]])))

/** @param marked true if the message is marked as read by this call, and confirmed */
const shown = (message: ListedMessage, marked: boolean): Json =>
  plain({
    id: message.id,
    from: message.from,
    to: message.to,
    // A model cannot use bytes, so it reads their number.
    message: replaceBytes(message.payload, (found) => `(${found.byteLength} bytes)`),
    type: message.type,
    priority: message.priority,
    timestamp: message.timestamp,
    read: message.read,
    requires_confirmation: message.requiresConfirmation,
    confirmed: message.requiresConfirmation && message.from !== message.to && (message.read || marked),
    thread_id: message.threadId,
    broadcast_id: message.metadata.broadcast_id,
  })

function threadsOf(found: readonly ListedMessage[]): JsonObject {
  const threads = new Map<string, string[]>()
  for (const { id, threadId } of found)
    if (threadId !== undefined) threads.set(threadId, [...(threads.get(threadId) ?? []), id])
  return Object.fromEntries(threads)
}

export const messageTools: readonly ToolSpec[] = [sendMessage, getMessages, broadcastMessage]
