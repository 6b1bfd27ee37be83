/** Codes of tools. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const toolsCodes = {
  'tool.failed': {
    class: errors.ProcessingError,
    message: 'The tool {tool} failed: {problem}.',
    hint: 'See the cause.',
  },
  'tool.unknown': {
    class: errors.ValidationError,
    message: 'There is no tool {tool}.',
    hint: 'Did you mean {nearest}?',
  },
  'tool.arguments': {
    class: errors.ValidationError,
    message: 'The arguments of {tool} are not valid: {problem}.',
    hint: 'Correct what is named and call again.',
  },
  'tool.unconfirmed': {
    class: errors.ValidationError,
    message: 'Deletion not confirmed: {tool} needs confirm to be true.',
    hint: 'Call again with confirm: true if this is what you want; it cannot be undone.',
  },
  'tool.unapproved': {
    class: errors.AccessDeniedError,
    message: 'This call of {tool} needs the approval of a person, which only the step of an agent can ask for.',
    hint: 'Give the tool to an agent, or ask a person yourself and call one that needs no approval.',
  },
  'tool.unavailable': {
    class: errors.ValidationError,
    message: '{tool} are not available to this agent.',
    hint: 'Use the other tools.',
  },
  'mcp.unreachable': {
    class: errors.ExternalServiceError,
    message: 'The MCP server {server} cannot be reached: {problem}.',
    hint: 'Look whether it runs; it is tried again with growing pauses.',
    retryable: true,
  },
  'mcp.changed': {
    class: errors.ConflictError,
    message: 'The tool {tool} of the MCP server {server} is not as it was pinned: {what}.',
    hint: 'Look at it as it is now, and approve it with approveMcpTools if that is right.',
    retryable: false,
  },
  'mcp.too_large': {
    class: errors.CapacityError,
    message: 'The result of {tool} has {bytes} bytes; {limit} are taken.',
    hint: 'Ask for less at once, or raise resultLimit.',
    retryable: false,
  },
} as const satisfies Record<string, CatalogueEntry>
