/** Codes of the context mesh. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const contextCodes = {
  'context.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action} {key}.',
    hint: 'Only the owner, the named writers and privileged roles can do this. If a topic of the audience is closed to the agent, set another audience.',
  },
  'context.unread': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may write {key} but not read it, and so cannot update it.',
    hint: 'Replace the entry with push, or let its owner add {agent} to the audience.',
  },
  'context.conflict': {
    class: errors.ConflictError,
    message: 'The entry {key} does not have the expected version.',
    hint: 'Read the entry again and repeat the change, or use update().',
  },
  'context.contention': {
    class: errors.ConflictError,
    message: 'The entry {key} was changed by others {attempts} times while it was being updated.',
    hint: 'Make the function of update() faster, or distribute the writes over several keys.',
  },
  'batch.aborted': {
    class: errors.ConflictError,
    message: 'Nothing was done: operation {operation} of the atomic batch, on {key}, failed.',
    hint: 'Correct that operation, or omit atomic.',
  },
  'context.missing': {
    class: errors.NotFoundError,
    message: 'The entry {key} was not found.',
    hint: 'List the available keys.',
  },
  'context.quota': {
    class: errors.CapacityError,
    message: 'The context of this user has reached its limit of {limit}.',
    hint: 'Delete entries, give them a ttl, or raise the limit.',
    retryable: false,
  },
  'context.watch': {
    class: errors.ValidationError,
    message: 'A step cannot watch the context.',
    hint: 'Watch from the application or a worker. In a step, read the entries.',
  },
  'context.pruned': {
    class: errors.ConflictError,
    message: 'The version of {key} that this step had read is no longer stored.',
    hint: 'Store more history, or start a new run.',
  },
  'cursor.invalid': {
    class: errors.ValidationError,
    message: 'The cursor does not belong to this list.',
    hint: 'Start again without a cursor.',
  },
  'key.parameter': {
    class: errors.ValidationError,
    message: 'The parameter {name} of the key {form} {problem}.',
    hint: 'Give a value for every name in braces, and no others.',
  },
  'topic.closed': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action} one of the topics {topics}: it is closed.',
    hint: 'The application grants access with setTopicPolicy().',
  },
  'topic.missing': {
    class: errors.NotFoundError,
    message: 'The topic {topic} does not exist.',
    hint: 'List the existing topics.',
  },
  'topic.limit': {
    class: errors.CapacityError,
    message: 'At most {limit} topics are allowed {where}.',
    hint: 'Use fewer, broader topics.',
    retryable: false,
  },
} as const satisfies Record<string, CatalogueEntry>
