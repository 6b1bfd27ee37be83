/**
 * A session: one agent for one user and one thread. Each call is a durable step. Calls of one session execute one after the other,
 * so that the messages of the thread keep their order.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  addStepTaint,
  capture,
  checkCall,
  checkConstruct,
  checkName,
  checkOptions,
  checkSignal,
  checkTaint,
  checkText,
  construct,
  type Json,
  type JsonInput,
  joinTaint,
  type TroupeError,
  taintField,
  unknownTaint,
} from '../../core/index.ts'
import type { Recorder, Resolution } from '../../journal/index.ts'
import type { Message } from '../../messaging/index.ts'
import { committed } from '../../storage/index.ts'
import type { Agent } from '../agent-port.ts'
import { BaseLlmAgent, freezeAgent } from '../definitions/base-llm-agent.ts'
import { spentField } from '../definitions/failed-spending.ts'
import { checkAdmission } from '../step/guarded-step.ts'
import { cancelOpenStep, clearCancelled } from './cancel-open-step.ts'
import { commitAnswer } from './commit-answer.ts'
import { commitForget } from './forget-thread.ts'
import {
  copyOf,
  type SessionCallOptions,
  type SessionEntry,
  type SessionOptions,
  type SessionParts,
  type SessionThread,
  stepFieldsOf,
} from './session-parts.ts'
import {
  answered,
  failedCall,
  type RunOutcome,
  resultOfEnd,
  type SessionOutput,
  type SessionResult,
  waitingFor,
} from './session-result.ts'
import { sessionStep, type Unsaved } from './session-step.ts'
import { SessionStream } from './session-stream.ts'
import type { ThreadPartner } from './thread-statements.ts'
import {
  createThreadStore,
  type OpenStep,
  openQuestions,
  openStepError,
  readParked,
  rejectRun,
  type SessionQuestion,
  type ThreadState,
  type ThreadStore,
  threadKey,
} from './thread-store.ts'
import { resolveInThread, type UncertainEffectOfSession, uncertainInThread } from './uncertain-in-thread.ts'

/** The options of a message beside its text. */
const turnOptions = ['signal', 'taint'] as const
/** The calls that send nothing to the agent. */
const withoutTaint: ReadonlySet<string> = new Set(['answer', 'forget', 'resolve'])

/**
 * Creates the function with which one troupe opens its sessions.
 * @example const open = createSessions(parts); const session = open(agent, { user: 'ada', threadId: 't' })
 */
export function createSessions(parts: SessionParts) {
  const threads = createThreadStore(parts.storage, parts.owner)
  return <A extends Agent>(agent: A, sessionThread: SessionThread) =>
    Session[construct]<SessionOutput<A>>(agent, { ...parts, ...sessionThread }, threads)
}

/**
 * A thread between a user and one agent. Calls of one session are executed one after another. The thread is durable:
 * another process continues it with the same thread id. `user.session` opens a session.
 */
export class Session<Out = Json> {
  /** The agent of the session. */
  readonly agent: Agent
  /** The id of the thread. Two agents of one thread have separate messages. */
  readonly threadId: string
  readonly #options: SessionOptions
  readonly #threads: ThreadStore
  /** The id of the agent's messages in the thread: two agents of one thread have separate messages. */
  readonly #thread: string
  readonly #partner: ThreadPartner
  #last: Promise<unknown> = Promise.resolve()
  /** The usage of the executing step so far, and the messages that the thread would lack if it were aborted. */
  #executing: { spent?: Json; unsaved?: Unsaved } = {}

  private constructor(key: typeof construct, agent: Agent, options: SessionOptions, threads: ThreadStore) {
    checkConstruct(key, 'Session', 'user.session')
    this.agent = agent
    this.threadId = options.threadId
    this.#options = options
    this.#threads = threads
    this.#partner = { threadId: options.threadId, name: agent.name, kind: 'agent' }
    this.#thread = threadKey(this.#partner)
    if (agent instanceof BaseLlmAgent) freezeAgent(agent)
  }

  static [construct]<Out>(agent: Agent, options: SessionOptions, threads: ThreadStore): Session<Out> {
    return new Session<Out>(construct, agent, options, threads)
  }

  /**
   * Sends a message to the agent and waits for the result.
   * @throws the error of the agent; CancelledError when the signal aborts; ConflictError `session.waiting`, `thread.busy` while
   * another process executes a step of the thread
   */
  generate<T>(input: JsonInput<T>, options: SessionCallOptions = {}): Promise<SessionResult<Out>> {
    const captured = capture(input)
    return this.#inTurn('generate', options, (own) => this.#begin({ kind: 'generate', input: copyOf(captured) }, own))
  }

  /**
   * Sends a message and returns the text of the answer.
   * @throws ConflictError `session.waiting` if the agent waits for an approval or an answer
   */
  async chat(text: string, options: SessionCallOptions = {}): Promise<string> {
    return answered(await this.generate(checkText('chat', text), options), this.threadId).text
  }

  /** Sends a message and returns the result; an error of the agent is part of the result. */
  async run<T>(input: JsonInput<T>, options: SessionCallOptions = {}): Promise<RunOutcome<Out>> {
    checkOptions('run', options, turnOptions)
    try {
      return await this.generate(input, options)
    } catch (error) {
      return failedCall(error as TroupeError)
    }
  }

  /**
   * Sends a message and streams the parts of the answer; `result` resolves with the complete result.
   * @example
   * const stream = session.stream('Tell me a story.')
   * for await (const part of stream) if (part.type === 'text-delta') show(part.delta)
   * const { text } = await stream.result
   */
  stream<T>(input: JsonInput<T>, options: SessionCallOptions = {}): SessionStream<SessionResult<Out>> {
    const captured = capture(input)
    return new SessionStream((live) =>
      this.#inTurn('stream', options, (own) => this.#begin({ kind: 'generate', input: copyOf(captured) }, own, live)),
    )
  }

  /**
   * Answers a question of the agent and waits for the result; its output is that of the tool if `executeTool` has asked.
   * @throws ConflictError `question.unknown` for a second answer, `approval.mismatch`, `thread.busy`; ValidationError
   */
  answer<T>(id: string, value: JsonInput<T>, options: SessionCallOptions = {}): Promise<SessionResult<Out>> {
    const captured = capture(value)
    return this.#inTurn('answer', options, async (own) => {
      const claim = (state: ThreadState) => this.#threads.claim(this.#options.user, this.#partner, state)
      const answer = { id, value: captured, claim }
      const { open, holder } = await commitAnswer(this.#options, this.#threads, this.#thread, answer)
      return this.#carryOut(open, own, resumed(holder))
    })
  }

  /** Returns the open questions of the thread. */
  async questions(options: SessionCallOptions = {}): Promise<readonly SessionQuestion[]> {
    checkCall('questions', options)
    const questions = await openQuestions(this.#threads, this.#options.user, this.#thread)
    if (questions.length > 0) addStepTaint(unknownTaint, `the thread ${this.threadId}`)
    return questions
  }

  /** Returns the effects of the thread whose outcome is unknown after a crash. A person finds out and resolves them. */
  async uncertain(options: SessionCallOptions = {}): Promise<readonly UncertainEffectOfSession[]> {
    checkCall('uncertain', options)
    const effects = await uncertainInThread(this.#options, this.#thread)
    if (effects.length > 0) addStepTaint(unknownTaint, `the thread ${this.threadId}`)
    return effects
  }

  /**
   * Records the outcome of an uncertain effect, continues its step and waits for the result. First make sure that the
   * process which began the effect has ended. The output is that of the tool if `executeTool` began the effect.
   * @returns undefined if the step has ended, or waits for the resolution of another effect
   * @throws ConflictError `effect.resolved` for an effect that is not uncertain, `thread.busy`; the error of the agent
   * @example const [effect] = await session.uncertain(); await session.resolve(effect, { happened: true, output: 'paid' })
   */
  resolve(
    effect: Pick<UncertainEffectOfSession, 'step' | 'call'>,
    resolution: Resolution,
    options: SessionCallOptions = {},
  ): Promise<SessionResult<Out> | undefined> {
    const [resolved, captured] = [capture(effect), capture(resolution)]
    return this.#inTurn('resolve', options, async (own) => {
      const { user, services } = this.#options
      const read = () => this.#threads.read(user, this.#thread)
      const openState = async () => {
        const { open, ...state } = await readParked(services.platform.clock, read)
        return open && open.kind !== 'run' && open.step === resolved.step ? { ...state, open } : undefined
      }
      // Rejects the call before the outcome is recorded if another process executes the step.
      const before = await openState()
      if (before) this.#threads.claim(user, this.#partner, before)
      if (!(await resolveInThread(this.#options, this.#thread, resolved, captured))) return undefined
      const state = await openState()
      return state && this.#resume(state, own)
    })
  }

  /**
   * Cancels the open step of the thread, also one that was interrupted, waits, or whose code has changed. A call that executes
   * it, here or in another process, rejects with `cancelled`. An effect without an outcome is listed by `uncertain`.
   * @returns whether a step was open
   * @throws ConflictError `thread.busy` while a run continues the thread
   */
  async cancel(options: SessionCallOptions = {}): Promise<boolean> {
    checkCall('cancel', options)
    return cancelOpenStep(this.#options, this.#threads, this.#thread)
  }

  /**
   * Calls one of the agent's tools for the application; no approval is requested.
   * @throws ValidationError `tool.unknown` or for the arguments, `access.denied`, ProcessingError `tool.failed`,
   * ConflictError `session.waiting` if the tool asks: `answer` then returns its output
   */
  async executeTool<T>(name: string, input: JsonInput<T>, options: SessionCallOptions = {}): Promise<Json> {
    const [tool, captured] = [checkName('tool', name), capture(input)]
    const begin = (own: SessionCallOptions) =>
      this.#begin({ kind: 'tool', tool, input: copyOf(captured, 'The input of a tool') }, own)
    return answered(await this.#inTurn('executeTool', options, begin), this.threadId).output as Json
  }

  /**
   * @returns the message that was sent
   * @throws AccessDeniedError `access.denied` if its agent may not send
   */
  async sendMessage<T>(to: string, content: JsonInput<T>, options: SessionCallOptions = {}): Promise<Message> {
    checkCall('sendMessage', options)
    return this.#options.send(this.#options.user, this.agent, to, content)
  }

  /**
   * Deletes the thread: its messages, working memory, episodes and files. The journals of its steps are deleted by their
   * retention.
   * @throws ConflictError `session.waiting` while it waits for an answer, `effect.uncertain` while it waits for a resolution,
   * `thread.busy` after a crash, until a call continues or cancels the interrupted step
   */
  forget(options: SessionCallOptions = {}): Promise<void> {
    return this.#inTurn('forget', options, () => commitForget(this.#options, this.#threads, this.#thread))
  }

  /** Executes a call after the earlier calls; a call that is aborted before its turn does not start. */
  async #inTurn<T>(what: string, options: SessionCallOptions, work: WithOptions<T>): Promise<T> {
    if (withoutTaint.has(what)) checkOptions(what, options as Pick<SessionCallOptions, 'signal'>, ['signal'])
    else checkOptions(what, options, turnOptions)
    checkSignal(what, options.signal)
    const captured = capture(options)
    const run = () => {
      checkSignal(`${what} of ${this.agent.name}`, captured.signal)
      if (what !== 'forget') this.#options.steps.admit?.()
      return work(captured)
    }
    const mine = this.#last.then(run, run)
    // Keeps only the end of the call, so that an idle session keeps no result in memory.
    this.#last = mine.then(
      () => {},
      () => {},
    )
    return mine
  }

  async #begin(
    call: Omit<OpenStep, 'step' | 'startedAt'>,
    options: SessionCallOptions,
    live?: (part: Json) => void,
  ): Promise<SessionResult<Out>> {
    const { user, services } = this.#options
    if (call.kind === 'generate') checkAdmission(services, this.agent.name, user)
    let state = await this.#threads.read(user, this.#thread)
    rejectRun(state, this.threadId)
    while (state.open) {
      // The interrupted step of a crash, or the step of another call, ends first.
      const { open, questions } = state
      let problem: unknown
      const noteProblem = (error: unknown): undefined => {
        problem = error
      }
      const current = { ...state, open }
      const before = questions.length > 0 ? undefined : await this.#resume(current, options).catch(noteProblem)
      state = await this.#threads.read(user, this.#thread)
      rejectRun(state, this.threadId)
      if (state.open?.step === open.step) {
        const question = before?.questions?.[0]?.id ?? state.questions[0]?.question.id
        // The step cannot continue: another process executes it, the outcome of an effect is unknown, or its code has changed.
        if (question === undefined && problem !== undefined) throw openStepError(this.threadId, open, problem)
        throw waitingFor(this.threadId, question ?? '')
      }
    }
    const labels = call.kind === 'generate' ? services.guard.people : []
    const taint = taintField(joinTaint(checkTaint(options.taint, 'The taint of the call'), labels))
    const callerSpan = services.platform.events.surroundingSpan(user)
    const traced = callerSpan ? { callerSpan } : {}
    const startedAt = services.platform.clock.now()
    const open = { ...call, ...taint, ...traced, startedAt, step: `session:${this.#thread}#${state.steps + 1}` }
    await this.#threads.begin(user, this.#partner, state, open)
    const isNewThread = state.steps === 0
    return this.#carryOut(open, options, { entry: 'first', isNewThread, ...(live ? { live } : {}) })
  }

  /** Executes the open step, unless another process does. */
  async #resume(state: ThreadState & { readonly open: OpenStep }, options: SessionCallOptions) {
    const { user, storage } = this.#options
    const { statements } = this.#threads.claim(user, this.#partner, state)
    if (statements.length > 0) await committed(storage, { id: null, scope: { user }, statements })
    return this.#carryOut(state.open, options, resumed(state.holder))
  }

  /** Continues a parked step that this process has released: the timeout of its question has passed. */
  async #resumeParked({ step }: OpenStep): Promise<void> {
    const state = await this.#threads.read(this.#options.user, this.#thread)
    const { open, holder } = state
    if (holder === 'free' && open && open.kind !== 'run' && open.step === step)
      await this.#resume({ ...state, open }, {})
  }

  async #carryOut(open: OpenStep, { signal }: SessionCallOptions, how: SessionEntry): Promise<SessionResult<Out>> {
    const { live, entry, isNewThread = false } = how
    const { agent, threadId } = this
    const { user, steps, owner, services } = this.#options
    const leasedAs = owner?.()
    const release = () => this.#threads.release(services.platform.clock, user, this.#thread, open)
    let isOver = false
    // A call by code of another step: that step has the labels of what this one has read.
    const note = AsyncLocalStorage.bind(addStepTaint)
    let begun: Recorder | undefined
    const canResume = () => {
      void this.#resumeParked(open).catch(() => {})
      return false
    }
    const noteTaint = () => note(begun?.taint, `the thread ${threadId}`)
    const noted =
      live &&
      ((part: Json) => {
        noteTaint()
        live(part)
      })
    try {
      const end = await steps.execute(
        {
          ...stepFieldsOf(this.#options, agent.name, open),
          input: { kind: open.kind, input: open.input, fingerprint: agent.fingerprint },
          ...taintField(open.taint),
          ...this.#threads.ofStep(user, this.#thread, open),
          ...(signal ? { signal } : {}),
          ...(entry ? { entry } : {}),
          ...(owner ? { isLeased: true, canResume } : {}),
        },
        (recorder) => {
          // After a rejected turn the code is executed again, and something may be stored.
          const isNew = isNewThread && !begun
          begun = recorder
          const parts = { ...this.#options, agent, threads: this.#threads, isNewThread: isNew }
          return sessionStep(parts, open, recorder, {
            live: noted,
            onThread: (unsaved) => Object.assign(this.#executing, { unsaved }),
            onSpent: (spent) => Object.assign(this.#executing, spentField(spent)),
          })
        },
      )
      const { unsaved, ...spent } = this.#executing
      if (end.status === 'cancelled')
        await clearCancelled(this.#options, this.#threads, { thread: this.#thread, open, unsaved })
      isOver = end.status === 'completed' || end.status === 'failed' || end.status === 'cancelled'
      const isLeaseLost = owner?.() !== leasedAs
      const questions = () => openQuestions(this.#threads, user, this.#thread)
      const about = { agent: agent.name, threadId, step: open.step, cause: signal?.reason, spent, isLeaseLost }
      const result = await resultOfEnd<Out>(end, about, questions)
      if (!isOver) await release()
      return result
    } catch (error) {
      if (!isOver) await release()
      throw error
    } finally {
      noteTaint()
      this.#executing = {}
    }
  }
}

const resumed = (holder: ThreadState['holder']): SessionEntry => (holder === 'ended' ? { entry: 'restart' } : {})
type WithOptions<Out> = (captured: SessionCallOptions) => Promise<Out>
