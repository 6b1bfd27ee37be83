/**
 * The arguments of the guides' calls in the names of Troupe's tools: `ttl`, `ttl_seconds` or `ttl_hours`, `key` or `keys`,
 * lists as text, priorities as numbers. A misspelt argument is passed on, and the tool rejects it.
 */
import { invalidInput } from '../../core/index.ts'
import { unsupported } from './unsupported.ts'

/** Keyword arguments, as an object. */
export type RawArguments = Readonly<Record<string, unknown>>
type Arguments = Record<string, unknown>

/** Renames the argument with one of `names` to `to`. @throws ValidationError if two of them are present */
function rename(args: Arguments, names: readonly string[], to: string): void {
  const found = names.filter((name) => args[name] !== undefined && args[name] !== null)
  if (found.length > 1) throw invalidInput(found.join(' and '), 'they have the same meaning: set one of them')
  const value = found[0] === undefined ? undefined : args[found[0]]
  for (const name of names) delete args[name]
  if (value !== undefined) args[to] = value
}

const seconds = { ttl: 1, ttl_seconds: 1, ttl_hours: 3_600 } as const

/** Returns seconds as a `ttl`. The tool checks that it is above zero. */
function ttlOf(args: Arguments): void {
  const { ttl_hours } = args
  if (typeof ttl_hours === 'number') args.ttl_hours = ttl_hours * seconds.ttl_hours
  rename(args, Object.keys(seconds), 'ttl')
}

/** Returns the names of a list as text: `a, b` has two names. */
function lists(args: Arguments, ...names: readonly string[]): void {
  for (const name of names) {
    const value = args[name]
    if (typeof value === 'string')
      args[name] = value
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean)
  }
}

const priorities = ['urgent', 'high', 'normal', 'low'] as const

/** The priorities by their numbers in the guides: 0 is urgent, 3 is low. */
function priorityOf(args: Arguments): void {
  const { priority } = args
  if (typeof priority !== 'number') return
  const named = priorities[priority]
  if (named === undefined)
    throw invalidInput('priority', `${priority} is not 0 (urgent), 1 (high), 2 (normal) or 3 (low)`)
  args.priority = named
}

function message(args: Arguments): void {
  // In Syntha, 0 is a message that does not expire.
  if (args.ttl_hours === 0) delete args.ttl_hours
  ttlOf(args)
  priorityOf(args)
  // The guides pass the time of queueing. Troupe uses the time of the storage.
  delete args.timestamp
}

/** The older tools have no pages, so they get the largest page. */
function withMaxLimit(args: Arguments): void {
  args.limit ??= 1_000
}

function operationOf(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw
  const operation: Arguments = { ...raw }
  if (operation.type === 'remove') operation.type = 'delete'
  lists(operation, 'topics', 'subscribers')
  ttlOf(operation)
  return operation
}

const translations: Readonly<Record<string, (args: Arguments) => void>> = {
  get_context(args) {
    lists(args, 'keys')
    // An empty list of keys requests all entries in the older tool.
    if (Array.isArray(args.keys) && args.keys.length === 0) delete args.keys
    if (args.keys === undefined && args.key === undefined) withMaxLimit(args)
  },
  push_context(args) {
    lists(args, 'topics', 'subscribers')
    ttlOf(args)
  },
  list_context: withMaxLimit,
  list_context_keys: withMaxLimit,
  subscribe_to_topics: (args) => lists(args, 'topics'),
  unsubscribe_from_topics: (args) => lists(args, 'topics'),
  send_message_to_agent: message,
  broadcast_message_to_agents(args) {
    lists(args, 'to_agents')
    message(args)
    if (args.exclude_sender === false)
      throw unsupported('exclude_sender: false', 'a broadcast never goes to its sender, who can send to itself')
    delete args.exclude_sender
    // A broadcast is a thread in any case.
    delete args.create_thread
  },
  get_messages_from_agents(args) {
    priorityOf(args)
    if (args.limit === 0) args.limit = 1_000
    delete args.include_confirmations
  },
  batch_context_operation(args) {
    if (Array.isArray(args.operations)) args.operations = args.operations.map(operationOf)
    delete args.continue_on_error
  },
}

/** Converts the arguments of a tool. @throws ValidationError for an argument that is named twice or has no counterpart */
export function toolArguments(tool: string, rawArguments: RawArguments): Arguments {
  const args = { ...rawArguments }
  if (Object.hasOwn(translations, tool)) translations[tool]?.(args)
  return args
}
