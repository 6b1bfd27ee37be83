/**
 * Every code that Troupe itself raises: its class, message, and what the reader can do. Stable: a released code keeps
 * its meaning. `{name}` in a message is filled from the values given to `failure()`.
 */
import * as errors from './troupe-error.ts'

type ErrorClass = new (message: string, options?: errors.TroupeErrorOptions) => errors.TroupeError

export interface CatalogueEntry {
  readonly class: ErrorClass
  readonly message: string
  readonly hint: string
  /** Where it differs from the class's own. */
  readonly status?: number
  readonly retryable?: boolean
}

export const catalogue = {
  'invariant.broken': {
    class: errors.ProcessingError,
    message: 'A rule that always holds was broken: {rule}.',
    hint: 'This is a defect of Troupe. Keep the journal of the run and report it.',
  },
  'validation.failed': {
    class: errors.ValidationError,
    message: '{what} is not valid: {problem}.',
    hint: 'Correct the value named and try again.',
  },
  'json.unsupported': {
    class: errors.ValidationError,
    message: '{what} holds {found} at {path}, which JSON cannot carry exactly.',
    hint: 'Pass plain JSON: null, booleans, finite numbers, strings, arrays and plain objects.',
  },
  'name.invalid': {
    class: errors.ValidationError,
    message: '{what} {value} is not allowed: {problem}.',
    hint: 'Use well-formed Unicode in normal form C, without NUL, of at most {limit} bytes.',
  },
  'duration.invalid': {
    class: errors.ValidationError,
    message: '{what} must be a duration such as 250ms, 30s, 5m, 1h or 1d, not {value}.',
    hint: 'Write the unit: a bare number is refused because nobody knows its unit.',
  },
  'option.unknown': {
    class: errors.ValidationError,
    message: '{where} has no option {option}.',
    hint: 'Did you mean {nearest}?',
  },
  cancelled: { class: errors.CancelledError, message: '{what} was cancelled.', hint: 'Nothing to do.' },
  timeout: {
    class: errors.TimeoutError,
    message: '{what} took longer than its {kind} timeout of {limit}.',
    hint: 'Raise the timeout named, or find out what it waits for.',
  },
  'troupe.closed': {
    class: errors.CancelledError,
    message: '{what} is not possible: the troupe is closed.',
    hint: 'Open it again with createTroupe(); nothing accepted was lost.',
  },
  'storage.owned': {
    class: errors.ConflictError,
    message: 'The database {path} is owned by process {pid} on {host}, since {since}.',
    hint: 'End that process, or talk to it. Several processes at once need PostgreSQL.',
    status: 423,
  },
  'storage.foreign': {
    class: errors.ValidationError,
    message: '{path} is not a Troupe database: {problem}.',
    hint: 'Name another path. The file was not changed.',
  },
  'storage.corrupt': {
    class: errors.ProcessingError,
    message: 'The database {path} is damaged: {problem}.',
    hint: 'Restore a backup, or move the file away and start anew. The file was not changed.',
  },
  'storage.too_new': {
    class: errors.ValidationError,
    message: 'The database {path} was written by a newer Troupe (schema {found}; this release reads up to {known}).',
    hint: 'Use the newer release. The file was not changed.',
  },
  'storage.read_only': {
    class: errors.ExternalServiceError,
    message: 'The database {path} cannot be written: {problem}.',
    hint: 'Check the permissions of the file and its folder, and that the disk is not mounted read-only.',
    retryable: false,
  },
  'storage.full': {
    class: errors.CapacityError,
    message: 'The disk that holds {path} is full; Troupe reads but does not write until there is space.',
    hint: 'Free some space: writing goes on by itself. Nothing acknowledged was lost.',
    status: 507,
  },
  'storage.io': {
    class: errors.ExternalServiceError,
    message: 'Reading or writing {path} failed: {problem}.',
    hint: 'The change was not acknowledged. Check the disk before trying again.',
  },
  'storage.busy': {
    class: errors.CapacityError,
    message: 'More than {limit} changes wait for the storage.',
    hint: 'Make changes more slowly; what waits goes on.',
  },
  'storage.expectation': {
    class: errors.ConflictError,
    message: 'A change expected {expected} rows and found {found}.',
    hint: 'Read the current state and try again.',
  },
  'journal.lost': {
    class: errors.LeaseLostError,
    message: 'The journal {journal} has another writer now.',
    hint: 'Nothing to do: the other writer goes on; this one changed nothing.',
  },
  'journal.full': {
    class: errors.CapacityError,
    message: 'The journal {journal} reached its limit of {limit}.',
    hint: 'Split the work into sub-runs (ctx.startRun), or let the agent start anew.',
    retryable: false,
  },
  'code.changed': {
    class: errors.ConflictError,
    message: 'The code of {step} no longer fits its record: {problem}.',
    hint: 'Run the version that began the step, or cancel the run and start it again.',
  },
  'effect.uncertain': {
    class: errors.ConflictError,
    message: 'Whether the effect {effect} of {step} happened is unknown.',
    hint: 'Find out, and settle it as happened or not; it is never repeated by itself.',
  },
  'effect.nested': {
    class: errors.ValidationError,
    message: 'The function of the effect {effect} used ctx.',
    hint: 'Do one thing in an effect; use ctx around it.',
  },
  'effect.input': {
    class: errors.ConflictError,
    message: 'The effect {effect} of {step} was claimed with another input.',
    hint: 'Derive the input of an effect from recorded values only (ctx.now, ctx.random, context, results).',
  },
  'step.over': {
    class: errors.CancelledError,
    message: 'The step {step} is over: ctx answers no more.',
    hint: 'Await everything that uses ctx before the agent returns.',
  },
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
  'model.missing': {
    class: errors.ValidationError,
    message: 'The agent {agent} names no model, and AGENT_MODEL is not set.',
    hint: "Give the agent a model such as 'anthropic/NAME', or 'offline/extractive', which needs no key.",
  },
  'model.unknown': {
    class: errors.ValidationError,
    message: 'There is no model {model}: {problem}.',
    hint: "Write 'provider/model' with one of {known}, or pass an AI SDK model object or { url, model, apiKey }.",
  },
  'model.not_installed': {
    class: errors.ValidationError,
    message: 'The model {model} needs the package {package}, which is not installed.',
    hint: 'Run npm install {package}.',
  },
  'model.key_missing': {
    class: errors.ValidationError,
    message: 'The model {model} needs an API key: {variable} is not set.',
    hint: 'Set {variable} in the environment, or pass a model object that holds its key.',
  },
  'model.refused': {
    class: errors.ExternalServiceError,
    message: 'The model {model} refused the call ({status}): {problem}.',
    hint: 'Trying again cannot help: check the key, the rights and the request.',
    retryable: false,
  },
  'model.failed': {
    class: errors.ExternalServiceError,
    message: 'The model {model} failed after {attempts} attempts: {problem}.',
    hint: 'Try later, or name a fallback: model: [first, second].',
  },
  'model.limited': {
    class: errors.RateLimitError,
    message: 'The model {model} is limiting calls; it wants {seconds} s of pause.',
    hint: 'Try later, or name a fallback: model: [first, second].',
  },
  'model.circuit_open': {
    class: errors.CircuitOpenError,
    message: 'The model {model} failed repeatedly and is left alone for {seconds} s.',
    hint: 'It is tried again by itself. Name a fallback: model: [first, second].',
  },
  'model.answer': {
    class: errors.AgentError,
    message: 'The model of {agent} gave no usable answer in {attempts} attempts: {problem}.',
    hint: 'Sharpen the instructions, use a stronger model, or open another way in the topology.',
  },
  'agent.turns': {
    class: errors.AgentError,
    message: '{agent} used up its {limit} turns of one step without an end.',
    hint: 'Raise settings.maxTurns, or give it a narrower task.',
  },
  'agent.frozen': {
    class: errors.ValidationError,
    message: 'The definition of {agent} was used already and is frozen: {what} is refused.',
    hint: 'Make a changed copy with agent.with({ … }).',
  },
  'agent.wrong': {
    class: errors.ValidationError,
    message: 'The definition of {agent} is wrong: {problem}.',
    hint: 'Correct the option named.',
  },
  'agent.kind_unknown': {
    class: errors.ValidationError,
    message: 'No kind of agent is called {kind}; known are {known}.',
    hint: 'Register it first: factory.register(kind, (config) => agent).',
  },
  'guard.repetition': {
    class: errors.BudgetExceededError,
    message: '{agent} repeated the call of {tool} with the same arguments again and again and learned nothing new.',
    hint: 'Tell the agent what to do when a tool gives nothing new, or set guards.repetition.',
  },
  'tool.failed': {
    class: errors.ProcessingError,
    message: 'The tool {tool} failed: {problem}.',
    hint: 'See the cause.',
  },
  'approval.mismatch': {
    class: errors.ConflictError,
    message: 'The approval is bound to other arguments of {tool}.',
    hint: 'Read the question again and answer with its hash.',
  },
  'session.waiting': {
    class: errors.ConflictError,
    message: 'The thread {thread} waits for an answer to the question {question}.',
    hint: 'Answer it first: session.answer(id, value).',
  },
  'question.unknown': {
    class: errors.ConflictError,
    message: 'No question {question} is open here.',
    hint: 'It was answered already, or never asked: look at the questions of the result.',
  },
  'pool.timeout': {
    class: errors.TimeoutError,
    message: 'No instance of the pool became free within its acquisition timeout of {limit}.',
    hint: 'Raise size or acquireTimeout, or release instances earlier.',
  },
  'mailbox.full': {
    class: errors.CapacityError,
    message: 'The mailbox of {mailbox} is full: {limit}.',
    hint: 'Send again when its owner has worked some off, raise messaging.capacity, or choose the backpressure wait or drop-oldest.',
  },
  'lease.lost': {
    class: errors.LeaseLostError,
    message: 'The lease on the message {message} is lost: it was settled before, or ran out and another consumer has it.',
    hint: 'Nothing to do: whoever has it now settles it. A longer messaging.lease, or renew(), keeps slow work leased.',
  },
  'message.unknown': {
    class: errors.NotFoundError,
    message: 'No {what} {message} is in the mailbox of {mailbox}.',
    hint: 'It may have been settled or redriven already, or its time of keeping is over: look at deadLetters().',
  },
  'message.too_large': {
    class: errors.ValidationError,
    message: 'The message {type} has {bytes} bytes; {limit} fit.',
    hint: 'Push the value to the context and send its key, or raise messaging.capacity.bytes (8 MB at most for one message).',
  },
  'request.failed': {
    class: errors.ProcessingError,
    message: '{to} did not answer the request {type}: {problem}.',
    hint: 'Look at the dead letters of the recipient.',
  },
  'worker.started': {
    class: errors.ConflictError,
    message: 'The worker {worker} is started already.',
    hint: 'Start another instance of its class: one instance works for one user.',
  },
  'transition.invalid': {
    class: errors.InvalidTransitionError,
    message: 'There is no transition from {from} to {to}.',
    hint: 'From here one can go to: {allowed}.',
  },
  'access.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action}.',
    hint: 'Give it a role or grant that allows this, or let another agent do it.',
  },
  'agent.mismatch': {
    class: errors.AccessDeniedError,
    message: 'These tools belong to {agent}: they cannot act as another agent.',
    hint: 'Leave the name of the agent out; it is known.',
  },
  'role.unknown': {
    class: errors.ValidationError,
    message: 'There is no role {role}.',
    hint: 'Use one of {known}.',
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
  'tool.unavailable': {
    class: errors.ValidationError,
    message: '{tool} are not available to this agent.',
    hint: 'Use the other tools.',
  },
  'context.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action} {key}.',
    hint: 'Only its owner, the writers it names, and roles that may can do this.',
  },
  'context.conflict': {
    class: errors.ConflictError,
    message: 'The entry {key} does not have the version expected.',
    hint: 'Read it again and decide anew, or use update().',
  },
  'context.contended': {
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
    message: 'The version of {key} that this step had read is no longer kept.',
    hint: 'Keep more history, or start the run again.',
  },
  'value.too_large': {
    class: errors.ValidationError,
    message: '{what} has {bytes} bytes; {limit} are allowed.',
    hint: 'Store large things elsewhere and refer to them, or split the value.',
    status: 413,
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
  'journal.unknown': {
    class: errors.NotFoundError,
    message: 'There is no journal {journal}.',
    hint: 'Check its id; an ended journal goes with its retention.',
  },
  'journal.newer': {
    class: errors.ConflictError,
    message: 'The journal {journal} was written by a newer release (form {found}; this release reads up to {known}).',
    hint: 'Let the newer release carry it on, or cancel it.',
  },
  'turn.conflict': {
    class: errors.ConflictError,
    message: 'A turn of {step} could not commit in {attempts} attempts: {problem}.',
    hint: 'Others change the same things all the time: use update(), or divide what is shared.',
  },
  'effect.unused': {
    class: errors.ConflictError,
    message: 'The effect {effect} of {step} happened in a turn that had to be repeated, and the repeat does not ask for it.',
    hint: 'Do what cannot be taken back only after commit(), or make it depend on recorded values only.',
  },
  'effect.settled': {
    class: errors.ConflictError,
    message: 'The effect {effect} of {step} is not uncertain: it was settled before, or never was.',
    hint: 'List the uncertain effects again.',
  },
  'conversation.moved': {
    class: errors.ConflictError,
    message: 'The conversation {conversation} went on elsewhere meanwhile.',
    hint: 'Let one call of a thread end before the next begins, or use another threadId.',
  },
  'outcome.invalid': {
    class: errors.AgentError,
    message: 'What {agent} decided is not possible here: {problem}. It may {allowed}.',
    hint: 'Return finish(value), invoke([…]) or handOff(…) as the topology allows, or add the edge that is missing.',
  },
  'join.unmet': {
    class: errors.ProcessingError,
    message: 'The join {join} at {node} cannot be met: {found}.',
    hint: "Ask for less, or set onFailure to 'collect' or 'continue' to go on with what there is.",
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
  'retries.exhausted': {
    class: errors.MaxRetriesExceededError,
    message: 'All {attempts} attempts failed; the last one: {error}',
    hint: 'Look at the cause in the details.',
  },
  'topology.invalid': {
    class: errors.ValidationError,
    message: 'The topology is not valid at {place}: {problem}.',
    hint: '{remedy}',
  },
  'route.unknown': {
    class: errors.ValidationError,
    message: 'There is no route for {type}; known are {known}.',
    hint: 'Add the route, or let the task name one of those known.',
  },
  'vote.undecided': {
    class: errors.ProcessingError,
    message: 'The vote has no winner: {quorum} equal votes were needed, {found}.',
    hint: 'Lower the quorum, add voters, or ask a question with fewer answers.',
  },
  'loop.unfinished': {
    class: errors.ProcessingError,
    message: 'The check did not pass within {max} rounds: {feedback}.',
    hint: 'Raise max, or let the check ask for less.',
  },
  'agent.unknown': {
    class: errors.NotFoundError,
    message: 'The run has no agent {agent}; it has {known}.',
    hint: 'Name one of the agents of the topology.',
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof catalogue
