/** Codes of runs and teams. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const orchestrationCodes = {
  'budget.exceeded': {
    class: errors.BudgetExceededError,
    message: 'The {budget} budget of run {run} is used up: {used} of {limit}.',
    hint: 'Raise the budget, or let the team do less.',
  },
  'run.exists': {
    class: errors.ConflictError,
    message: 'There is a run {run} already.',
    hint: 'Get it with orchestra.get(id), or choose another id.',
  },
  'run.unknown': {
    class: errors.NotFoundError,
    message: 'There is no run {run}.',
    hint: 'Look at orchestra.list(); runs that ended go with their retention.',
  },
  'run.over': {
    class: errors.ConflictError,
    message: 'The run {run} is over: {status}.',
    hint: 'Start a new run.',
  },
  'run.agents_missing': {
    class: errors.ConflictError,
    message: 'The run {run} needs the code of agents that this troupe does not have: {agents}.',
    hint: 'Pass them to createTroupe({ agents, topologies }), or go on where they are.',
  },
  'topology.refused': {
    class: errors.ValidationError,
    message: 'The team cannot run: {problem}.',
    hint: '{remedy}',
  },
  'guard.repetition': {
    class: errors.BudgetExceededError,
    message: '{agent} repeated the call of {tool} with the same arguments again and again and learned nothing new.',
    hint: 'Tell the agent what to do when a tool gives nothing new, or set guards.repetition.',
  },
  'approval.mismatch': {
    class: errors.ConflictError,
    message: 'The approval is bound to other arguments of {tool}.',
    hint: 'Read the question again and answer with its hash.',
  },
  'question.unknown': {
    class: errors.ConflictError,
    message: 'No question {question} is open here.',
    hint: 'It was answered already, or never asked: look at the questions of the result.',
  },
  'outcome.invalid': {
    class: errors.AgentError,
    message: 'What {agent} decided is not possible here: {problem}. It may {allowed}.',
    hint: 'Return finish(value), invoke([…]) or handOff(…) as the topology allows, or add the edge that is missing.',
  },
  'guard.tripped': {
    class: errors.BudgetExceededError,
    message: 'The guard {guard} stopped the run at {used} of {limit}{detail}.',
    hint: 'What the run has is kept in its response. Raise the limit, or let the team do less.',
  },
  'run.deadlock': {
    class: errors.ProcessingError,
    message: 'Deadlock: these agents wait for each other: {agents}.',
    hint: 'Let one of them answer without asking back: give it serve(), or pass on what the other needs.',
  },
  'topology.invalid': {
    class: errors.ValidationError,
    message: 'The topology is not valid at {place}: {problem}.',
    hint: '{remedy}',
  },
  'run.elsewhere': {
    class: errors.ConflictError,
    message: 'The run {run} is carried on by another process.',
    hint: 'Ask that process; a run is taken over when the lease of its process has run out.',
    retryable: true,
  },
} as const satisfies Record<string, CatalogueEntry>
