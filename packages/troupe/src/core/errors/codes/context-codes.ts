/** Codes of the context mesh. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const contextCodes = {
  'context.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action} {key}.',
    hint: 'Only its owner, the writers it names, and roles that may can do this. While a topic of its audience is closed to the agent, it must name another audience.',
  },
  'context.unread': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may write {key} but not read it, and so cannot update it.',
    hint: 'Push over it, or have its owner name {agent} among those that may read it.',
  },
  'context.conflict': {
    class: errors.ConflictError,
    message: 'The entry {key} does not have the version expected.',
    hint: 'Read it again and decide again, or use update().',
  },
  'context.contention': {
    class: errors.ConflictError,
    message: 'The entry {key} was changed by others {attempts} times while it was being updated.',
    hint: 'Make the function given to update() shorter, or spread the writes over several keys.',
  },
  'batch.aborted': {
    class: errors.ConflictError,
    message: 'Nothing was done: operation {operation} of the atomic batch, on {key}, failed.',
    hint: 'Correct that operation, or leave atomic out.',
  },
  'context.missing': {
    class: errors.NotFoundError,
    message: 'The entry {key} was not found.',
    hint: 'List the keys you can see.',
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
    hint: 'Watch from the host or from a worker; a step reads what it needs and ends.',
  },
  'context.pruned': {
    class: errors.ConflictError,
    message: 'The version of {key} that this step had read is no longer stored.',
    hint: 'Keep more history, or start the run again.',
  },
  'cursor.invalid': {
    class: errors.ValidationError,
    message: 'The cursor is not one that this list gave.',
    hint: 'Start again without a cursor.',
  },
  'key.parameter': {
    class: errors.ValidationError,
    message: 'The parameter {name} of the key {form} {problem}.',
    hint: 'Give every name in braces a value, and no others.',
  },
  'topic.closed': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action} one of the topics {topics}: it is closed.',
    hint: 'The host decides who may, by setTopicPolicy().',
  },
  'topic.missing': {
    class: errors.NotFoundError,
    message: 'The topic {topic} does not exist.',
    hint: 'Discover the topics that there are.',
  },
  'topic.limit': {
    class: errors.CapacityError,
    message: 'At most {limit} topics are allowed {where}.',
    hint: 'Use fewer, broader topics.',
    retryable: false,
  },
} as const satisfies Record<string, CatalogueEntry>
