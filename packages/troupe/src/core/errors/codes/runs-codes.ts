/** Codes of runs and teams. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const runsCodes = {
  'budget.exceeded': {
    class: errors.BudgetExceededError,
    message: 'The {budget} budget is exhausted: {used} of {limit} used{others}.',
    hint: 'Raise the budget, or let the team do less.',
  },
  'budget.ceiling': {
    class: errors.ValidationError,
    message: 'The {budget} budget asked for, {asked}, is above the ceiling of {of}, {limit}.',
    hint: 'Ask for less, or leave the budget away: the ceiling then is the budget.',
  },
  'run.exists': {
    class: errors.ConflictError,
    message: 'There is a run {run} already.',
    hint: 'Get it with orchestra.get(id), or choose another id.',
  },
  'run.unknown': {
    class: errors.NotFoundError,
    message: 'There is no run {run}.',
    hint: 'Look at orchestra.list(); runs that are over go after retention.runs, 365 days unless it says otherwise.',
  },
  'run.over': {
    class: errors.ConflictError,
    message: 'The run {run} is over: {status}.',
    hint: 'Start a new run.',
  },
  'replay.expired': {
    class: errors.NotFoundError,
    status: 410,
    message: 'The journal of run {run} was stored until {until}: the run can no longer be replayed or forked.',
    hint: 'Its result, usage and cost remain: (await get(id)).result(). Keep journals longer with retention.replay, or export runs in time.',
  },
  'run.open': {
    class: errors.ConflictError,
    message: 'The run {run} is not over: {status}.',
    hint: 'Wait for its end, or cancel it first.',
  },
  'evaluation.repeated': {
    class: errors.ConflictError,
    message: 'The evaluation {evaluation} was begun with other runs, another change or another score.',
    hint: 'Use the options with which it was started, or choose another id.',
  },
  'experiment.repeated': {
    class: errors.ConflictError,
    message: 'The experiment {experiment} was started with other cases, another team or other scorers.',
    hint: 'Ask for the same as before, or choose another id.',
  },
  'experiment.unknown': {
    class: errors.NotFoundError,
    message: 'There is no experiment {experiment}.',
    hint: 'Look at experiments.list(); experiments are stored for a year.',
  },
  'experiment.skipped': {
    class: errors.BudgetExceededError,
    message:
      'The case {case} was skipped: the experiment has used {used} of {limit} of its {budget} budget, and the case may need {needed}.',
    hint: 'Repeat the call with the id of the experiment and a larger budget: it executes the skipped cases.',
  },
  'evaluation.unjudged': {
    class: errors.ExternalServiceError,
    message: 'The judge {model} gave no verdict: {problem}.',
    hint: 'Name a model that answers in JSON, or shorten the rubric; the same experiment scores what is left.',
  },
  'dataset.invalid': {
    class: errors.ValidationError,
    message: 'The data set {dataset} is invalid at line {line}: {problem}{more}.',
    hint: 'Correct the lines that are named; each is one JSON object with input, and if needed id, expected, labels and tags.',
  },
  'evaluation.unrecorded': {
    class: errors.NotFoundError,
    message: 'The past run has no call of the {kind} {name} with these arguments.',
    hint: 'Evaluate with live: true where its tools may be called, or a change that asks them alike.',
  },
  'evaluation.unfinished': {
    class: errors.ProcessingError,
    message: 'Run again, {run} was not completed: {status}.',
    hint: 'Look at the error, guard or question named; raise the budget of the evaluation where that ended it.',
  },
  'retry.rejected': {
    class: errors.ConflictError,
    message: 'The run {run} cannot be retried: {problem}.',
    hint: 'Retry a failed run, from one of its failed steps; fork another run where it should go another way.',
  },
  'effect.repeated': {
    class: errors.ConflictError,
    message: 'The new run would repeat effects of class at-most-once that run {run} has begun: {names}.',
    hint: 'Fork at a later event, evaluate without live, or pass { repeat: true } if they may happen again.',
  },
  'export.tampered': {
    class: errors.ValidationError,
    message: 'The export of run {run} cannot be trusted: {problem}.',
    hint: 'Export the run again, and open the file as it was written, with the key that it was given.',
  },
  'export.newer': {
    class: errors.ConflictError,
    message: 'The export of run {run} has the form {found}; this release reads up to {known}.',
    hint: 'Open it with the release that wrote it, or a newer one.',
  },
  'export.unredactable': {
    class: errors.ValidationError,
    message: 'The way of run {run} depends on what would be taken out of it, from event {seq} on.',
    hint: "Export it with redact: 'secrets' or 'nothing', for people who may see what it holds.",
  },
  'run.agents_missing': {
    class: errors.ConflictError,
    message: 'The run {run} needs the code of agents that this troupe does not have: {agents}.',
    hint: 'Pass them to createTroupe({ agents, teams }), or continue the run in a process that has them.',
  },
  'topology.rejected': {
    class: errors.ValidationError,
    message: 'The team cannot run: {problem}.',
    hint: '{remedy}',
  },
  'guard.repetition': {
    class: errors.BudgetExceededError,
    message:
      '{agent} made the call of {tool} with the same arguments {used} times and learned nothing new; the limit is {limit}.',
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
    message: 'The topology is not valid at {location}: {problem}.',
    hint: '{remedy}',
  },
  'run.not_owned': {
    class: errors.ConflictError,
    message: 'The run {run} is carried on by another process.',
    hint: 'Nothing to do: what is asked of the run is handed to that process, and taken over with the run if it dies.',
    retryable: true,
  },
  'run.repeated': {
    class: errors.ConflictError,
    message: 'There is a run {run} already, which was started with another {what}.',
    hint: 'Start it with what it was started with first to get it, or choose another id.',
  },
  'schedule.invalid': {
    class: errors.ValidationError,
    message: 'The schedule is not valid: {what}: {problem}.',
    hint: 'Correct what is named. One of at, in, every, onContext and onMessage sets it off, and a team, an agent or a topology of this process runs.',
  },
  'schedule.unknown': {
    class: errors.NotFoundError,
    message: 'There is no schedule {schedule}.',
    hint: 'Look at schedules.list(); those that ended go after 30 days.',
  },
  'schedule.exists': {
    class: errors.ConflictError,
    message: 'There is another schedule {schedule} already.',
    hint: 'Delete it first, or choose another id.',
  },
  'schedule.limit': {
    class: errors.CapacityError,
    message: 'A user has at most {limit} schedules that have not ended.',
    hint: 'Delete some, or raise createTroupe({ schedules: { limit } }).',
  },
  'schedule.conflict': {
    class: errors.ConflictError,
    message: 'The schedule {schedule} was changed by another caller meanwhile.',
    hint: 'Try again.',
    retryable: true,
  },
  'schedule.unauthorized': {
    class: errors.AccessDeniedError,
    message: 'The schedule {schedule} is paused: the key, session or token {key}, by which it was made, has ended.',
    hint: 'Resume it with a key that is valid, or delete it.',
  },
  'schedule.over': {
    class: errors.ConflictError,
    message: 'The schedule {schedule} has ended: no time of it comes any more.',
    hint: 'Create another one, or trigger it.',
  },
  'command.repeated': {
    class: errors.ConflictError,
    message: 'Run {run} was given another command under the id {id}.',
    hint: 'Give each command an id of its own; repeat one with what it was given with first.',
  },
} as const satisfies Record<string, CatalogueEntry>
