/** Everything that belongs to one user. No method reaches data of another user. */
import {
  type Agent,
  episodicName,
  factsName,
  type Session,
  type SessionOutput,
  StoredEpisodicMemory,
  StoredMemory,
  threadKey,
  threadMessagesOf,
  workingName,
} from '../agents/index.ts'
import { type ContextMesh, checkAgentName } from '../context/index.ts'
import {
  addStepTaint,
  CancelledError,
  checkCall,
  checkFunction,
  checkName,
  checkOptions,
  checkSignal,
  construct,
  type Duration,
  encodeJson,
  fieldOf,
  hashJson,
  invalidInput,
  isInstance,
  isPlainObject,
  type Json,
  joinTaint,
  milliseconds,
  readable,
  runWithStepTaint,
  type StepTaint,
  stepTaint,
  type TaintLabel,
} from '../core/index.ts'
import {
  type RunningWorker,
  type SuperviseChild,
  type SuperviseOptions,
  type Supervision,
  superviseOptionNames,
  Worker,
} from '../messaging/index.ts'
import { createUserMetrics, type Traces, type UserMetrics } from '../observability/index.ts'
import { Approvals, type TroupeParts } from '../operations/index.ts'
import { checkInteger, unlessAborted } from '../resilience/index.ts'
import { Experiments, type OpenEvaluationTroupe, Orchestra, Schedules, takesPart } from '../runs/index.ts'
import { type AccessOptions, roleOf } from '../security/index.ts'
import { withHelpers } from '../topology/index.ts'
import { type AgentHandle, createAgentHandle } from './agent-handle.ts'
import { type AcceptAnswersOptions, QuestionInbox } from './question-inbox.ts'
import { runWorker } from './run-worker.ts'
import { superviseWorkers } from './supervise-workers.ts'

/** What one agent remembers of one user. `user.memory(agent)` returns it. */
export interface AgentMemory {
  /** Facts that the user stated, if `memory.consolidate` of the agent is on. A replaced fact stays in the history of the new one. */
  readonly facts: StoredEpisodicMemory
  /** Episodes of earlier work, in all threads. */
  readonly episodic: StoredEpisodicMemory
  /** Returns the working memory of the agent in one thread. */
  readonly working: (threadId: string) => StoredMemory
}

/** Everything that belongs to one user. No method reaches data of another user. `troupe.user(id)` returns it. */
export class User {
  /** The id of the user. */
  readonly id: string
  /** The user's context for trusted code: it reads every entry and pushes as `host`. */
  readonly context: ContextMesh
  /** Starts, lists and examines runs of teams. */
  readonly orchestra: Orchestra
  /** Evaluations of teams on data sets. */
  readonly experiments: Experiments
  /** Runs that start at a time, at a change of the context, or at a message. */
  readonly schedules: Schedules
  /** Questions, approvals and uncertain effects of runs, sessions and message handlers, which wait for a person. */
  readonly approvals: Approvals
  /** Metrics of the application, stored by the minute, that the user's agents can read. */
  readonly metrics: UserMetrics
  readonly #parts: TroupeParts

  constructor(parts: TroupeParts, id: string, openEvaluationTroupe: OpenEvaluationTroupe) {
    this.id = id
    this.#parts = parts
    const { metricStore, metrics } = parts.observability
    const { orchestra, schedules } = parts.runs
    this.context = parts.communication.mesh.host(id)
    this.metrics = createUserMetrics({ store: metricStore, metrics }, id)
    this.orchestra = Orchestra[construct](orchestra, id, openEvaluationTroupe)
    this.approvals = Approvals[construct](parts, id, this.orchestra)
    this.experiments = Experiments[construct](orchestra, id)
    this.schedules = Schedules[construct](schedules, orchestra, id)
  }

  /** Traces of the user's work as spans: `ada.traces.get(run.id)`. */
  get traces(): Traces {
    const { observability, runs } = this.#parts
    return observability.observation.traces(this.id, (run) => runs.orchestra.traceOf(this.id, run))
  }

  /**
   * Returns the cached result of the function for an equal key of this user, or calls the function. Concurrent callers with
   * an equal key share one call, its error and its result, of which lists and plain objects are frozen. Errors are not cached.
   * A complete run can be cached too.
   * @param options.key any JSON value on which the result depends
   * @param options.ttl how long a result is cached; an hour by default
   * @param options.signal ends the wait of this caller and aborts its own call; one of the other callers that wait for
   * that call then calls its function
   * @throws the error of `run`; CancelledError when the signal aborts
   * @example await ada.cached(() => ada.orchestra.run({ task, topology }), { key: ['report', task], ttl: '10m' })
   */
  async cached<Out>(
    run: (call: { readonly signal: AbortSignal }) => Promise<Out> | Out,
    options: { readonly key: Json; readonly ttl?: Duration; readonly signal?: AbortSignal },
  ): Promise<Out> {
    checkOptions('cached', options, ['key', 'ttl', 'signal'])
    const { stores, platform, observability } = this.#parts
    const { signal } = options
    checkSignal('user.cached', signal)
    const ttlMs = options.ttl === undefined ? undefined : milliseconds(options.ttl, 'ttl', '1ms')
    checkFunction('The argument of user.cached', run)
    if (options.key === undefined) throw misplaced('cached', 'its key is missing')
    // Values that JSON drops would make different keys equal.
    encodeJson(options.key, 'The key of user.cached')
    const key = `${JSON.stringify(this.id)} ${hashJson(options.key)}`
    const { value, cached } = await unlessAborted({ clock: platform.clock, what: 'user.cached', signal }, (inner) =>
      stores.cache.lookUp(
        key,
        async () => {
          try {
            // The call of another caller was aborted, and this caller has aborted meanwhile.
            checkSignal('user.cached', inner)
            return await withTaint(() => run({ signal: inner }))
          } catch (error) {
            checkSignal('user.cached', inner)
            throw error
          }
        },
        { ttlMs, isShared: (error) => !(error instanceof CancelledError) },
      ),
    )
    observability.metrics.increment(cached ? 'cache.hit' : 'cache.miss', 1, { cache: 'cached' })
    addStepTaint(value.taint, 'a cached result')
    return value.value
  }

  /**
   * Returns the clients of an agent with this name.
   * @param access its role (`contributor` by default), `allow` and `deny`
   * @throws ValidationError for an invalid name, role or option
   * @example const support = ada.agent('Support', { role: 'contributor', deny: ['delete_topic'] })
   */
  agent(name: string, access: AccessOptions = {}): AgentHandle {
    checkOptions('agent', access, ['role', 'allow', 'deny'])
    return createAgentHandle(this.#parts, this.id, name, access)
  }

  /**
   * Starts a worker on its mailbox.
   * @param options.signal cancels the start: a worker whose `onStart` does not end is stopped once it is up
   * @throws the error of its onStart; ValidationError unless it is a Worker; CancelledError if the troupe closes meanwhile
   * @example const running = await ada.start(new Stock())
   */
  async start(worker: Worker, options: { readonly signal?: AbortSignal } = {}): Promise<RunningWorker> {
    checkCall('start', options)
    if (!isInstance(worker, Worker))
      throw misplaced('start', 'it is not a Worker; agents work in runs (orchestra.start) and sessions (session)')
    this.#parts.work.gate.checkStart('Starting a worker')
    const { detail, types, stop } = await runWorker(this.#parts, this.id, worker, options)
    return { detail, types, stop, [Symbol.asyncDispose]: stop }
  }

  /**
   * Starts workers in order. A worker that does not start, hangs, or fails at every message is restarted; an error of one
   * handler is not a failure of its worker. Resolves when all are up. Each process supervises its own workers.
   * @param children functions that create a worker, called for each start; or groups with options of their own
   * @param options.signal stops the workers, during the start and later
   * @throws ValidationError for an invalid child or option; CriticalError `supervision.escalated` if the workers do not come
   * up within the allowed restarts
   * @example
   * const supervision = await ada.supervise([() => new Stock(), () => new Shop()], {
   *   strategy: 'one-for-all', restarts: { max: 5, within: '1m' }, onEscalated: (error) => page(error),
   * })
   * supervision.children() // [{ name: 'Stock', status: 'running', restarts: 0 }, …]
   */
  async supervise(
    children: readonly SuperviseChild[],
    options: SuperviseOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<Supervision> {
    checkOptions('supervise', options, [...superviseOptionNames, 'signal'])
    const { signal, ...rest } = options
    checkSignal('supervise', signal)
    this.#parts.work.gate.checkStart('Supervising workers')
    return superviseWorkers(this.#parts, this.id, children, rest, signal)
  }

  /**
   * Accepts answers to questions of this user's runs that arrive as messages of the type `AnswerQuestion`, until stopped.
   * @throws ValidationError for invalid names and options
   * @example await ada.acceptAnswers({ from: ['Desk'], approvals: ['Desk'] })
   */
  async acceptAnswers(options: AcceptAnswersOptions): Promise<RunningWorker> {
    const { incidents, audit } = this.#parts.security
    const { orchestra: host } = this.#parts.runs
    const { id: user, orchestra } = this
    const isPart = (agent: string, run: string, question: string) => takesPart(host, user, agent, { run, question })
    return this.start(new QuestionInbox(options, { user, orchestra, incidents, audit, takesPart: isPart }))
  }

  /**
   * Returns what an agent remembers of this user: `facts` and `episodic` in all threads, `working(threadId)` in one thread.
   * The agent's own steps use those that its option `memory` names.
   * @param options.maxEpisodes the number of stored episodes; 100 by default. The oldest is removed first
   * @param options.maxFacts the number of stored facts; 200 by default. The oldest is removed first
   * @param options.capacity the number of items of a working memory; 7 by default. The least important is removed first
   * @throws ValidationError for an invalid name or capacity
   * @example
   * const { episodic } = ada.memory('Support')
   * await episodic.add('refunded order 17')
   * await episodic.retrieveSimilar('a refund', { limit: 3 })
   */
  memory(
    agent: string,
    options: { readonly maxEpisodes?: number; readonly maxFacts?: number; readonly capacity?: number } = {},
  ): AgentMemory {
    checkAgentName(agent)
    checkOptions('memory', options, ['maxEpisodes', 'maxFacts', 'capacity'])
    const { platform, stores } = this.#parts
    const { records, external, guard } = this.#parts.agents.services
    const clients = { memories: records.memories, models: external.models }
    const parts = { storage: stores.storage, ids: platform.ids, ...clients, privateLabels: guard.privateLabels }
    const maxEpisodes = checkInteger('memory', 'maxEpisodes', options.maxEpisodes ?? 100)
    const maxFacts = checkInteger('memory', 'maxFacts', options.maxFacts ?? 200)
    const capacity = checkInteger('memory', 'capacity', options.capacity ?? 7)
    const memoryIdentity = { user: this.id, agent }
    return {
      facts: new StoredEpisodicMemory(parts, { ...memoryIdentity, name: factsName(agent), source: '' }, maxFacts),
      episodic: new StoredEpisodicMemory(
        parts,
        { ...memoryIdentity, name: episodicName(agent), source: '' },
        maxEpisodes,
      ),
      working: (threadId) => {
        const source = threadMessagesOf(threadKey({ threadId, name: agent }))
        return new StoredMemory(parts, { ...memoryIdentity, name: workingName(agent, source), source }, capacity)
      },
    }
  }

  /**
   * Returns a session of one agent in one thread, which continues from call to call. Its results have the type of the agent's
   * output.
   * @param options.threadId the id of the thread; by default a new one
   * @throws ValidationError unless it is an agent; `role.unknown`
   */
  session<A extends Agent>(agent: A, options: { readonly threadId?: string } = {}): Session<SessionOutput<A>> {
    if (typeof fieldOf(agent, 'step') !== 'function')
      throw misplaced(
        'session',
        'it is not an agent, as defineAgent and new LlmAgent make them; workers are started (start)',
      )
    checkAgentName(fieldOf(agent, 'name'))
    const { platform, security, agents } = this.#parts
    for (const { name, access } of withHelpers(agent)) {
      const role = readable(`The access of ${name}`, () => access?.role)
      if (role !== undefined) roleOf(security.roles, role, name)
    }
    checkOptions('session', options, ['threadId'])
    if (options.threadId !== undefined) checkName('thread', options.threadId)
    return agents.sessions(agent, { user: this.id, threadId: options.threadId ?? platform.ids.next() })
  }
}

/** The labels of what the code reads are cached with its result, for the steps that get it later. */
async function withTaint<Out>(run: () => Promise<Out> | Out): Promise<{ value: Out; taint: readonly TaintLabel[] }> {
  let taint = stepTaint()
  const step: StepTaint = {
    get taint() {
      return taint
    },
    addTaint(labels) {
      taint = joinTaint(taint, labels)
    },
  }
  const value = freezeDeeply(await runWithStepTaint(step, async () => run()))
  return { value, taint }
}

/** Freezes a value with the lists and plain objects in it. Other objects, such as a Map or an Error, stay as they are. */
function freezeDeeply<Value>(value: Value): Value {
  const found = new Set<unknown>([value])
  for (const each of found)
    if (Array.isArray(each) || isPlainObject(each))
      for (const inner of Object.values(Object.freeze(each))) found.add(inner)
  return value
}

const misplaced = (method: string, problem: string) => invalidInput(`The argument of user.${method}`, problem)
