/** Codes of agents, sessions and pools. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const agentsCodes = {
  'agent.failed': {
    class: errors.AgentError,
    message: 'The code of an agent or tool threw: {problem}.',
    hint: 'Find the stack in the log by errorId. Throw RecoverableError for errors that a retry can solve, and CriticalError for errors that must end the run.',
  },
  recoverable: {
    class: errors.RecoverableError,
    message: 'The code of an agent or tool threw a RecoverableError: {problem}.',
    hint: 'Retry, or set a retry in onError of the run.',
  },
  critical: {
    class: errors.CriticalError,
    message: 'The code of an agent or tool threw a CriticalError: {problem}.',
    hint: 'It is not retried. Remove the cause, then retry the run.',
  },
  'agent.turns': {
    class: errors.AgentError,
    message: '{agent} used all {limit} turns of its step and gave no answer.',
    hint: 'Raise settings.maxTurns, or give the agent a narrower task.',
  },
  'agent.frozen': {
    class: errors.ValidationError,
    message: 'The definition of {agent} is in use and frozen: {what} is rejected.',
    hint: 'Make a changed copy with agent.with({ … }).',
  },
  'agent.wrong': {
    class: errors.ValidationError,
    message: 'The definition of {agent} is wrong: {problem}.',
    hint: 'Correct this option.',
  },
  'guardrail.tripped': {
    class: errors.AgentError,
    message: 'The guardrail {guardrail} of {agent} stopped its {direction}: {reason}.',
    hint: 'Change the content, or the check; onTrip: "ask" lets a person decide.',
  },
  'skill.unreadable': {
    class: errors.ValidationError,
    message: 'The skill at {path} cannot be read: {problem}.',
    hint: 'Begin the text of the skill with its name and description, in YAML between two lines of ---.',
  },
  'skill.outside': {
    class: errors.ValidationError,
    message: 'The skill at {folder} has {path}, which leads outside its folder.',
    hint: 'Copy the file into the folder of the skill, or remove the symbolic link.',
  },
  'instructions.unreadable': {
    class: errors.ValidationError,
    message: 'The instructions of {agent} cannot be read from {path}: {problem}.',
    hint: 'Name a text file of at most 256 KiB, relative to the project or to the file that describes the agent.',
  },
  'instructions.outside': {
    class: errors.ValidationError,
    message: 'The instructions of {agent} are in {path}, which is outside the project {project}.',
    hint: 'Copy the file into the project, or start the program in the folder that has the file.',
  },
  'agent.kind_unknown': {
    class: errors.ValidationError,
    message: 'No kind of agent is called {kind}; known are {known}.',
    hint: 'Register it first: factory.register(kind, (config) => agent).',
  },
  'remote.ended': {
    class: errors.ExternalServiceError,
    message: 'The remote agent {agent} ended its task as {state}: {problem}.',
    hint: 'Check the remote agent. onError of the run can give the task to another agent.',
    retryable: false,
  },
  'session.waiting': {
    class: errors.ConflictError,
    message: 'The thread {thread} waits for an answer to the question {question}.',
    hint: 'Answer the question first: session.answer(id, value).',
  },
  'pool.timeout': {
    class: errors.TimeoutError,
    message: 'No instance of the pool became free within its acquisition timeout of {limit}.',
    hint: 'Raise size or acquireTimeout, or release instances earlier.',
  },
  'pool.closed': {
    class: errors.CancelledError,
    message: '{what} is not possible: the pool is closed.',
    hint: 'Create a new pool, or close this one after its last use.',
  },
  'agent.mismatch': {
    class: errors.AccessDeniedError,
    message: 'These tools belong to {agent}: they cannot act as another agent.',
    hint: 'Omit the name of the agent.',
  },
  'thread.conflict': {
    class: errors.ConflictError,
    message: 'Another session or process continued the thread {thread} in the meantime.',
    hint: 'Await each call of a thread before the next, or use another threadId.',
  },
  'thread.unknown': {
    class: errors.NotFoundError,
    message: 'The user has no thread {thread}.',
    hint: 'List the threads to find its id. Start a run with this thread id to begin the thread.',
  },
  'thread.busy': {
    class: errors.ConflictError,
    message: 'The thread {thread} is in use by {holder}.',
    hint: 'Wait until the run or call has ended, answer its question, cancel it, or use another threadId.',
    retryable: true,
  },
  'agent.unknown': {
    class: errors.NotFoundError,
    message: 'The run has no agent {agent}; it has {known}.',
    hint: 'Name one of the agents of the topology.',
  },
} as const satisfies Record<string, CatalogueEntry>
