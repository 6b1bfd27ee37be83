/** Codes of runs and teams. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const runsCodes = {
  'budget.exceeded': {
    class: errors.BudgetExceededError,
    message: 'The {budget} budget is exhausted: {used} of {limit} used{others}.',
    hint: 'Raise the budget, or reduce the work of the team.',
  },
  'budget.ceiling': {
    class: errors.ValidationError,
    message: 'The requested {budget} budget of {asked} is above {limit}, the ceiling of {of}.',
    hint: 'Request less, or omit the budget: the ceiling then is the budget.',
  },
  'run.exists': {
    class: errors.ConflictError,
    message: 'The run {run} exists already.',
    hint: 'Get it with orchestra.get(id), or choose another id.',
  },
  'run.unknown': {
    class: errors.NotFoundError,
    message: 'There is no run with the id "{run}".',
    hint: 'List the runs to find its id. Ended runs are deleted after retention.runs, 365 days by default.',
  },
  'run.over': {
    class: errors.ConflictError,
    message: 'The run {run} has ended: {status}.',
    hint: 'Start a new run.',
  },
  'replay.expired': {
    class: errors.NotFoundError,
    status: 410,
    message: 'The journal of run {run} was stored until {until}: the run can no longer be replayed or forked.',
    hint: 'Its result, usage and cost remain: (await get(id)).result(). Raise retention.replay, or export runs in time.',
  },
  'run.open': {
    class: errors.ConflictError,
    message: 'The run {run} has not ended: {status}.',
    hint: 'Wait for its end, or cancel it first.',
  },
  'evaluation.repeated': {
    class: errors.ConflictError,
    message: 'The evaluation {evaluation} was started with other runs, another change or another score.',
    hint: 'Use the options with which it was started, or choose another id.',
  },
  'evaluation.running': {
    class: errors.ConflictError,
    message: 'This process is already executing the evaluation {evaluation}.',
    hint: 'Wait for its end, then call again with the id: stored results are returned and not paid for again.',
  },
  'experiment.repeated': {
    class: errors.ConflictError,
    message: 'The experiment {experiment} was started with other cases, another team or other scorers.',
    hint: 'Use the same options as before, or choose another id.',
  },
  'experiment.unknown': {
    class: errors.NotFoundError,
    message: 'There is no experiment {experiment}.',
    hint: 'List the experiments to find its id. Experiments are stored for a year.',
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
    hint: 'Use a model that answers in JSON, or shorten the rubric. Start the same experiment again to score the rest.',
  },
  'dataset.invalid': {
    class: errors.ValidationError,
    message: 'The data set {dataset} is invalid at line {line}: {problem}{more}.',
    hint: 'Correct these lines. Each is a JSON object with input, and optionally id, expected, labels and tags.',
  },
  'evaluation.unrecorded': {
    class: errors.NotFoundError,
    message: 'The past run has no call of the {kind} {name} with these arguments.',
    hint: 'Evaluate with live: true if its tools may be called, or with a change that makes the same calls.',
  },
  'evaluation.unfinished': {
    class: errors.ProcessingError,
    message: 'The new execution of {run} was not completed: {status}.',
    hint: 'See the error, guard or question. If the budget of the evaluation was exhausted, raise it.',
  },
  'retry.rejected': {
    class: errors.ConflictError,
    message: 'The run {run} cannot be retried: {problem}.',
    hint: 'Retry only a failed run, from one of its failed steps. Fork other runs.',
  },
  'effect.repeated': {
    class: errors.ConflictError,
    message: 'The new run would repeat effects of class at-most-once that run {run} has started: {names}.',
    hint: 'Fork at a later event, evaluate without live, or pass { repeat: true } if they may happen again.',
  },
  'effect.reverted': {
    class: errors.ConflictError,
    message: 'The new run would continue after effects of run {run} that were undone: {names}.',
    hint: 'Start a new run, or fork at an event before the first step that is named.',
  },
  'call.unknown': {
    class: errors.NotFoundError,
    message: 'The step {step} of run {run} has no call {call}.',
    hint: 'run.calls(step) lists the calls of the step.',
  },
  'call.unavailable': {
    class: errors.ConflictError,
    message: 'The call {call} of step {step} cannot be executed alone: {problem}.',
    hint: 'Fork the run before the call, or start a run with the agent.',
    retryable: false,
  },
  'export.tampered': {
    class: errors.ValidationError,
    message: 'The export of run {run} cannot be trusted: {problem}.',
    hint: 'Export the run again, and open the unchanged file with the same key.',
  },
  'export.newer': {
    class: errors.ConflictError,
    message: 'The export of run {run} has the format {found}; this release reads up to {known}.',
    hint: 'Open it with the release that wrote it, or a newer one.',
  },
  'export.unredactable': {
    class: errors.ValidationError,
    message: 'The path of run {run} depends on the texts to be removed, from event {seq} on.',
    hint: "Export it with redact: 'secrets' or 'nothing', for people who may see its content.",
  },
  'run.agents_missing': {
    class: errors.ConflictError,
    message: 'The run {run} needs the code of agents that this troupe does not have: {agents}.',
    hint: 'Pass them to createTroupe({ agents, teams }), or to a command with --config or --team-file; or continue the run in a process that has them.',
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
    hint: 'Say in the instructions what to do if a tool returns the same result, or set guards.repetition.',
  },
  'approval.mismatch': {
    class: errors.ConflictError,
    message: 'The approval is bound to other arguments of {tool}.',
    hint: 'Read the question again and answer with its hash.',
  },
  'question.unknown': {
    class: errors.ConflictError,
    message: 'No question {question} is open here.',
    hint: 'It was answered already, or never asked. See result.questions.',
  },
  'outcome.invalid': {
    class: errors.AgentError,
    message: 'The outcome of {agent} is not possible here: {problem}. {agent} may {allowed}.',
    hint: 'Return finish(value), invoke([…]) or handOff(…) as the topology allows, or add the missing edge.',
  },
  'guard.tripped': {
    class: errors.BudgetExceededError,
    message: 'The guard {guard} stopped the run at {used} of {limit}{detail}.',
    hint: 'The response of the run contains its values so far. Raise the limit, or reduce the work of the team.',
  },
  'run.deadlock': {
    class: errors.ProcessingError,
    message: 'Deadlock: these agents wait for each other: {agents}.',
    hint: 'Let one of them answer without a request of its own: give it serve(), or pass the needed data to it.',
  },
  'topology.invalid': {
    class: errors.ValidationError,
    message: 'The topology is not valid at {location}: {problem}.',
    hint: '{remedy}',
  },
  'run.not_owned': {
    class: errors.ConflictError,
    message: 'Another process owns the run {run}.',
    hint: 'No action is needed: commands are forwarded to that process, or to its successor if it dies.',
    retryable: true,
  },
  'run.awaits_itself': {
    class: errors.ConflictError,
    message: 'A step of the run {run} waits for the end of the run, which waits for the step.',
    hint: 'Let the step end, or start a child run with ctx.startRun and wait for that.',
  },
  'run.repeated': {
    class: errors.ConflictError,
    message: 'The run {run} exists already and was started with another {what}.',
    hint: 'Use the same specification to get the existing run, or choose another id.',
  },
  'schedule.invalid': {
    class: errors.ValidationError,
    message: 'The schedule is not valid: {what}: {problem}.',
    hint: 'Correct this option. A schedule has one trigger (at, in, every, onContext or onMessage) and a team, agent or topology of this process.',
  },
  'schedule.unknown': {
    class: errors.NotFoundError,
    message: 'There is no schedule {schedule}.',
    hint: 'See schedules.list(). Ended schedules are deleted after 30 days.',
  },
  'schedule.exists': {
    class: errors.ConflictError,
    message: 'Another schedule {schedule} exists already.',
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
    message: 'The schedule {schedule} is paused: the key, session or token {key}, that created it, has ended.',
    hint: 'Resume it with a valid key, or delete it.',
  },
  'schedule.over': {
    class: errors.ConflictError,
    message: 'The schedule {schedule} has ended: it has no further time.',
    hint: 'Create another one, or trigger it.',
  },
  'command.repeated': {
    class: errors.ConflictError,
    message: 'Run {run} was given another command under the id {id}.',
    hint: 'Use a new id for each command, and the same arguments to repeat one.',
  },
} as const satisfies Record<string, CatalogueEntry>
