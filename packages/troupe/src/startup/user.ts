/** Everything of one user. Nothing here reaches another's. */
import {
  type Agent,
  episodicName,
  factsName,
  type Session,
  StoredEpisodicMemory,
  StoredMemory,
  workingName,
} from '../agents/index.ts'
import { type ContextMesh, checkAgentName } from '../context/index.ts'
import {
  checkCall,
  checkFunction,
  checkName,
  checkOptions,
  checkSignal,
  construct,
  type Duration,
  encodeJson,
  failure,
  fieldOf,
  hashJson,
  isInstance,
  type Json,
  milliseconds,
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
import type { TroupeParts } from '../operations/index.ts'
import { checkInteger, unlessAborted } from '../resilience/index.ts'
import { Experiments, type OpenEvaluationTroupe, Orchestra, Schedules, takesPart } from '../runs/index.ts'
import { type AccessOptions, roleOf } from '../security/index.ts'
import { withHelpers } from '../topology/index.ts'
import { type AgentHandle, createAgentHandle } from './agent-handle.ts'
import { type AcceptAnswersOptions, QuestionInbox } from './question-inbox.ts'
import { runWorker } from './run-worker.ts'
import { superviseWorkers } from './supervise-workers.ts'

export interface AgentMemory {
  /** What the user stated, where the agent's `memory.facts` says so; a fact that was replaced stands in its history. */
  readonly facts: StoredEpisodicMemory
  readonly episodic: StoredEpisodicMemory
  readonly working: (threadId: string) => StoredMemory
}

export class User {
  readonly id: string
  /** The user's context in the hands of trusted code: reads all of it, pushes as `host`. */
  readonly context: ContextMesh
  readonly orchestra: Orchestra
  /** Evaluations of teams on data sets. */
  readonly experiments: Experiments
  /** Runs that begin at a time, at a change of context, or at a message. */
  readonly schedules: Schedules
  /** Values under names of one's own, stored by the minute, that the user's agents can read. */
  readonly metrics: UserMetrics
  readonly #parts: TroupeParts

  constructor(parts: TroupeParts, id: string, openEvaluationTroupe: OpenEvaluationTroupe) {
    this.id = id
    this.#parts = parts
    this.context = parts.mesh.host(id)
    this.metrics = createUserMetrics({ store: parts.metricStore, metrics: parts.metrics }, id)
    this.orchestra = Orchestra[construct](parts.orchestra, id, openEvaluationTroupe)
    this.experiments = Experiments[construct](parts.orchestra, id)
    this.schedules = Schedules[construct](parts.schedules, parts.orchestra, id)
  }

  /** What was done for this user, span by span; `ada.traces.get(run.id)`. */
  get traces(): Traces {
    return this.#parts.observation.traces(this.id)
  }

  /**
   * What the function gave for an equal key of this user, for a while; those who ask at once wait for one answer. For
   * anything that may be asked less often than it is wanted, a whole run included. A failure is kept by nobody.
   * @param options.key any JSON that says what the answer depends on
   * @param options.ttl an hour by default
   * @param options.signal ends this caller's wait, and aborts the signal that its own `run` is given; others who wait for
   * that answer then ask themselves
   * @throws what `run` throws; CancelledError when the signal aborts
   * @example await ada.cached(() => ada.orchestra.run({ task, topology }), { key: ['report', task], ttl: '10m' })
   */
  async cached<Out>(
    run: (call: { readonly signal: AbortSignal }) => Promise<Out> | Out,
    options: { readonly key: Json; readonly ttl?: Duration; readonly signal?: AbortSignal },
  ): Promise<Out> {
    checkOptions('cached', options, ['key', 'ttl', 'signal'])
    const { cache, clock, metrics } = this.#parts
    const { signal } = options
    checkSignal('user.cached', signal)
    const ttlMs = options.ttl === undefined ? undefined : milliseconds(options.ttl, 'ttl', '1ms')
    checkFunction('What user.cached was given', run)
    if (options.key === undefined) throw misplaced('cached', 'its key is missing')
    // What JSON drops would make equal keys of different ones.
    encodeJson(options.key, 'The key of user.cached')
    const key = `${JSON.stringify(this.id)} ${hashJson(options.key)}`
    const { value, cached } = await unlessAborted({ clock, what: 'user.cached', signal }, (inner) =>
      cache.lookUp(
        key,
        async () => {
          // It waited for another's answer, which failed, and has gone meanwhile.
          checkSignal('user.cached', inner)
          return run({ signal: inner })
        },
        ttlMs,
      ),
    )
    metrics.increment(cached ? 'cache.hit' : 'cache.miss', 1, { cache: 'cached' })
    return value
  }

  /**
   * The hands of an agent of this name.
   * @param access its role (`contributor` when absent), `allow` and `deny`
   * @throws ValidationError for a name, role or option that is not allowed
   * @example const support = ada.agent('Support', { role: 'contributor', deny: ['delete_topic'] })
   */
  agent(name: string, access: AccessOptions = {}): AgentHandle {
    checkOptions('agent', access, ['role', 'allow', 'deny'])
    return createAgentHandle(this.#parts, this.id, name, access)
  }

  /**
   * Starts a worker on its mailbox.
   * @param options `signal` ends the start: one that `onStart` keeps is stopped once it is up
   * @throws what its onStart throws; ValidationError for what is no worker; CancelledError where the troupe ends meanwhile
   * @example const running = await ada.start(new Stock())
   */
  async start(worker: Worker, options: { readonly signal?: AbortSignal } = {}): Promise<RunningWorker> {
    checkCall('start', options)
    if (!isInstance(worker, Worker))
      throw misplaced('start', 'it is not a Worker; agents work in runs (orchestra.start) and sessions (session)')
    this.#parts.gate.checkStart('Starting a worker')
    const { detail, types, stop } = await runWorker(this.#parts, this.id, worker, options)
    return { detail, types, stop, [Symbol.asyncDispose]: stop }
  }

  /**
   * Starts workers in order, and starts anew what does not start, hangs, or fails at everything; what a handler throws
   * stays inside and is not a failure of its worker. Resolves when each is up. Each process supervises its own.
   * @param children functions that make a worker, for each start a fresh one; or groups with options of their own
   * @throws ValidationError for a child or option that is not allowed; CriticalError `supervision.escalated` where they
   * don't come up within the restarts allowed
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
    this.#parts.gate.checkStart('Supervising workers')
    return superviseWorkers(this.#parts, this.id, children, rest, signal)
  }

  /**
   * Takes answers to questions of this user's runs that come as messages of the type `AnswerQuestion`, until it is stopped.
   * @throws ValidationError for names and options that are not allowed
   * @example await ada.acceptAnswers({ from: ['Desk'], approvals: ['Desk'] })
   */
  async acceptAnswers(options: AcceptAnswersOptions): Promise<RunningWorker> {
    const { incidents, orchestra: host } = this.#parts
    const { id: user, orchestra } = this
    const isPart = (agent: string, run: string, question: string) => takesPart(host, user, agent, { run, question })
    return this.start(new QuestionInbox(options, { user, orchestra, incidents, takesPart: isPart }))
  }

  /**
   * What an agent remembers of this user: `facts` and `episodic` in all conversations, `working(threadId)` in a thread. Its own steps
   * use them where its `memory` says so.
   * @throws ValidationError for a name or capacity that is not allowed
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
    const { storage, ids, services } = this.#parts
    const parts = { storage, ids, memories: services.memories, models: services.models }
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
        const source = `thread:${threadId}/${agent}`
        return new StoredMemory(parts, { ...memoryIdentity, name: workingName(agent, source), source }, capacity)
      },
    }
  }

  /**
   * One agent at work in one thread, whose conversation goes on from call to call.
   * @throws ValidationError for what is no agent; `role.unknown`
   */
  session(agent: Agent, options: { readonly threadId?: string } = {}): Session {
    if (typeof fieldOf(agent, 'step') !== 'function')
      throw misplaced(
        'session',
        'it is not an agent, as defineAgent and new LlmAgent make them; workers are started (start)',
      )
    const { roles } = this.#parts
    for (const { name, access } of withHelpers(agent)) if (access?.role !== undefined) roleOf(roles, access.role, name)
    checkOptions('session', options, ['threadId'])
    if (options.threadId !== undefined) checkName('thread', options.threadId)
    return this.#parts.sessions(agent, { user: this.id, threadId: options.threadId ?? this.#parts.ids.next() })
  }
}

const misplaced = (method: string, problem: string) =>
  failure('validation.failed', { what: `What user.${method} was given`, problem })
