/** Codes of tools, of the sandbox and its files, and of guardrails. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const toolsCodes = {
  'tool.failed': {
    class: errors.ProcessingError,
    message: 'The tool {tool} failed: {problem}.',
    hint: 'See the cause in the error.',
  },
  'tool.unknown': {
    class: errors.ValidationError,
    message: 'There is no tool {tool}.',
    hint: 'Did you mean {nearest}?',
  },
  'tool.arguments': {
    class: errors.ValidationError,
    message: 'The arguments of {tool} are not valid: {problem}.',
    hint: 'Correct this argument and call again.',
  },
  'tool.unconfirmed': {
    class: errors.ValidationError,
    message: 'Deletion not confirmed: {tool} needs confirm to be true.',
    hint: 'Call again with confirm: true if this is what you want; it cannot be undone.',
  },
  'tool.unapproved': {
    class: errors.AccessDeniedError,
    message: 'This call of {tool} needs the approval of a person, which only the step of an agent can ask for.',
    hint: 'Give the tool to an agent, or ask a person in your code and use a tool without needsApproval.',
  },
  'tool.unavailable': {
    class: errors.ValidationError,
    message: '{tool} are not available to this agent.',
    hint: 'Use the other tools.',
  },
  'mcp.unreachable': {
    class: errors.ExternalServiceError,
    message: 'The MCP server {server} cannot be reached: {problem}.',
    hint: 'Check that the server runs. Connections are retried with growing delays.',
    retryable: true,
  },
  'mcp.changed': {
    class: errors.ConflictError,
    message: 'The tool {tool} of the MCP server {server} differs from its approved description: {what}.',
    hint: 'Review the new description, and approve it with approveMcpTools if it is correct.',
    retryable: false,
  },
  'mcp.too_large': {
    class: errors.CapacityError,
    message: 'The result of {tool} has {bytes} bytes; {limit} are allowed.',
    hint: 'Request less data, or raise resultLimit.',
    retryable: false,
  },
  'mcp.answer_too_large': {
    class: errors.CapacityError,
    message: '{what} has {characters} characters; {limit} are sent over MCP.',
    hint: 'Request less at once, or read it over HTTP or with the command line. What the call did is done.',
    status: 413,
    retryable: false,
  },

  'sandbox.path': {
    class: errors.ValidationError,
    message: 'The path {path} cannot name a file of the sandbox: {problem}.',
    hint: 'Use a relative path such as src/main.js.',
  },
  'sandbox.missing': {
    class: errors.NotFoundError,
    message: 'There is no file {path} in the sandbox.',
    hint: 'List the files.',
  },
  'sandbox.binary': {
    class: errors.ValidationError,
    message: 'The file {path} is not UTF-8 text.',
    hint: 'Read it with readBytes.',
  },
  'sandbox.language': {
    class: errors.ValidationError,
    message: 'No engine of the sandbox executes {language}; known are {known}.',
    hint: 'Use one of them, or add an engine: createTroupe({ sandbox: { engines } }).',
  },
  'sandbox.quota': {
    class: errors.CapacityError,
    message: 'The files of the sandbox exceed the limit of {limit}.',
    hint: 'Write less, or raise a limit of bytes in createTroupe({ sandbox: { limits } }).',
    retryable: false,
  },
  'sandbox.conflict': {
    class: errors.ConflictError,
    message: 'The file {path} was changed by another step in the meantime.',
    hint: 'The turn is repeated with the new version. Let concurrent agents use different files.',
  },
  'sandbox.failed': {
    class: errors.ProcessingError,
    message: 'The engine {engine} of the sandbox failed: {problem}.',
    hint: 'See the cause in the error. The executed code is not the reason.',
  },
  'sandbox.absent': {
    class: errors.ValidationError,
    message: '{what} needs a sandbox, and there is none here.',
    hint: 'Use ctx.sandbox in steps of runs and sessions; message handlers have no sandbox.',
  },
} as const satisfies Record<string, CatalogueEntry>
