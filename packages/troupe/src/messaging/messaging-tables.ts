/** The tables of messaging that have rows by user, and their content columns. */
import type { ContentNames, UserTable } from '../storage/index.ts'

/**
 * The content columns, bound to the id of the message or request, which does not change when the row moves. Signatures are
 * content, since a signature would confirm a guessed payload.
 */
const messageContent = {
  payload: ['message.payload', 'id'],
  envelope: ['message.envelope', 'id'],
  reason: ['message.reason', 'id'],
  signature: ['message.signature', 'id'],
} as const
const requestContent = { answer: ['request.answer', 'id'] } as const

export const messagingContent: ContentNames = { ...messageContent, ...requestContent }

export const messagingTables: readonly UserTable[] = [
  { name: 'messages', key: ['id'], content: messageContent },
  { name: 'message_payloads', key: ['id'] },
  { name: 'message_seen', key: ['id'] },
  { name: 'message_requests', key: ['id'], content: requestContent },
  { name: 'mailbox_lanes', key: ['mailbox', 'lane'] },
  { name: 'mailboxes', key: ['mailbox'] },
  { name: 'message_outbox', key: ['mailbox'] },
  { name: 'presence', key: ['session'] },
].map((table) => ({ module: 'messaging', ...table }))
