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
  copyJson,
  failure,
  type Json,
  joinTaint,
  type Principal,
  restoreError,
  type TroupeError,
  taintField,
  unknownTaint,
} from '../../core/index.ts'
import type { Recorder, Resolution, StepEnd } from '../../journal/index.ts'
import type { Message } from '../../messaging/index.ts'
import type { Agent, AskOptions, CtxOf, Outcome, UnsavedMessages } from '../agent-port.ts'
import { BaseLlmAgent, freezeAgent } from '../definitions/base-llm-agent.ts'
import { type StepSpent, spentField } from '../definitions/failed-spending.ts'
import { createAsk } from '../step/ask-question.ts'
import { checkAdmission, guardedStep } from '../step/guarded-step.ts'
import { replyOnly } from '../step/inner-entry.ts'
import { threadStep } from '../step/thread-step.ts'
import { callForHost } from './call-for-host.ts'
import { cancelOpenStep } from './cancel-open-step.ts'
import { clearCancelled } from './clear-cancelled.ts'
import { commitAnswer } from './commit-answer.ts'
import { commitForget } from './forget-thread.ts'
import type { SessionCallOptions } from './session-call-options.ts'
import type { Acting, SessionOptions, SessionParts, SessionThread } from './session-parts.ts'
import {
  failedCall,
  noResult,
  type RunOutcome,
  type SessionResult,
  sessionResultOf,
  waitingFor,
} from './session-result.ts'
import { SessionStream } from './session-stream.ts'
import type { ThreadPartner } from './thread-statements.ts'
import {
  createThreadStore,
  type OpenStep,
  openQuestions,
  openStepError,
  rejectRun,
  type SessionQuestion,
  type ThreadStore,
  threadKey,
  threadMessagesOf,
} from './thread-store.ts'
import { resolveInThread, type UncertainEffectOfSession, uncertainInThread } from './uncertain-in-thread.ts'

/** The options of a message beside its text. */
const turnOptions = ['signal', 'taint'] as const
/** The calls that send nothing to the agent. */
const withoutTaint: ReadonlySet<string> = new Set(['answer', 'forget', 'resolve', 'cancel'])

/**
 * Creates the function with which one troupe opens its sessions.
 * @example const open = createSessions(parts); const session = open(agent, { user: 'ada', threadId: 't' })
 */
export function createSessions(parts: SessionParts): (agent: Agent, sessionThread: SessionThread) => Session {
  const threads = createThreadStore(parts.storage)
  return (agent, sessionThread) => Session[construct](agent, { ...parts, ...sessionThread }, threads)
}

/**
 * A thread between a user and one agent. Calls of one session are executed one after another. The thread is durable:
 * another process continues it with the same thread id. `user.session` opens a session.
 */
export class Session {
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
  /** Of the executing step: its usage so far, and the messages that the thread would lack if it were aborted. */
  #executing: { spent?: Json; unsaved?: (stored: number) => UnsavedMessages } = {}

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

  static [construct](agent: Agent, options: SessionOptions, threads: ThreadStore): Session {
    return new Session(construct, agent, options, threads)
  }

  /**
   * Sends a message to the agent and waits for the result.
   * @throws the error of the agent; CancelledError when the signal aborts; ConflictError `session.waiting`
   */
  generate(input: Json, options: SessionCallOptions = {}): Promise<SessionResult> {
    const captured = capture(input)
    return this.#inTurn('generate', options, (own) => this.#begin({ kind: 'generate', input: copyOf(captured) }, own))
  }

  /**
   * Sends a message and returns the text of the answer.
   * @throws ConflictError `session.waiting` if the agent waits for an approval or an answer
   */
  async chat(text: string, options: SessionCallOptions = {}): Promise<string> {
    const result = await this.generate(checkText('chat', text), options)
    if (result.status === 'waiting') throw waitingFor(this.threadId, result.questions?.[0]?.id ?? '')
    return result.text
  }

  /** Sends a message and returns the result; an error of the agent is part of the result. */
  async run(input: Json, options: SessionCallOptions = {}): Promise<RunOutcome> {
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
  stream(input: Json, options: SessionCallOptions = {}): SessionStream<SessionResult> {
    const captured = capture(input)
    return new SessionStream((live) =>
      this.#inTurn('stream', options, (own) => this.#begin({ kind: 'generate', input: copyOf(captured) }, own, live)),
    )
  }

  /**
   * Answers a question of the agent and waits for the result.
   * @throws ConflictError `question.unknown` for a second answer, `approval.mismatch`; ValidationError
   */
  answer(id: string, value: Json, options: SessionCallOptions = {}): Promise<SessionResult> {
    const captured = capture(value)
    return this.#inTurn('answer', options, async (own) =>
      this.#carryOut(await commitAnswer(this.#options, this.#threads, this.#thread, { id, value: captured }), own),
    )
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
   * process which began the effect has ended.
   * @returns undefined if the step has ended, or waits for the resolution of another effect
   * @throws ConflictError `effect.resolved` for an effect that is not uncertain; the error of the agent
   * @example const [effect] = await session.uncertain(); await session.resolve(effect, { happened: true, output: 'paid' })
   */
  resolve(
    effect: Pick<UncertainEffectOfSession, 'step' | 'call'>,
    resolution: Resolution,
    options: SessionCallOptions = {},
  ): Promise<SessionResult | undefined> {
    const [resolved, captured] = [capture(effect), capture(resolution)]
    return this.#inTurn('resolve', options, async (own) => {
      if (!(await resolveInThread(this.#options, this.#thread, resolved, captured))) return undefined
      const { open } = await this.#threads.read(this.#options.user, this.#thread)
      return open && open.kind !== 'run' && open.step === resolved.step ? this.#carryOut(open, own) : undefined
    })
  }

  /**
   * Cancels the step that is open in the thread: it was interrupted by a crash, its code has changed, or it waits for an answer
   * or a resolution. The next call does not continue it. An `at-most-once` effect without an outcome is listed by `uncertain`.
   * @returns whether a step was open
   * @throws ConflictError `thread.busy` while a run continues the thread
   */
  cancel(options: SessionCallOptions = {}): Promise<boolean> {
    return this.#inTurn('cancel', options, () => cancelOpenStep(this.#options, this.#threads, this.#thread))
  }

  /**
   * Calls one of the agent's tools for the application; no approval is requested.
   * @throws ValidationError `tool.unknown` or for the arguments, `access.denied`, ProcessingError `tool.failed`
   */
  async executeTool(name: string, input: Json, options: SessionCallOptions = {}): Promise<Json> {
    const [tool, captured] = [checkName('tool', name), capture(input)]
    const begin = (own: SessionCallOptions) =>
      this.#begin({ kind: 'tool', tool, input: copyOf(captured, 'The input of a tool') }, own)
    return (await this.#inTurn('executeTool', options, begin)).output
  }

  /**
   * @returns the message that was sent
   * @throws AccessDeniedError `access.denied` if its agent may not send
   */
  async sendMessage(to: string, content: Json, options: SessionCallOptions = {}): Promise<Message> {
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
  async #inTurn<Out>(what: string, options: SessionCallOptions, work: WithOptions<Out>): Promise<Out> {
    if (withoutTaint.has(what)) checkOptions(what, options as Pick<SessionCallOptions, 'signal'>, ['signal'])
    else checkOptions(what, options, turnOptions)
    checkSignal(what, options.signal)
    const captured = capture(options)
    const run = () => {
      checkSignal(`${what} of ${this.agent.name}`, captured.signal)
      if (what !== 'forget' && what !== 'cancel') this.#options.steps.admit?.()
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
    call: Omit<OpenStep, 'step'>,
    options: SessionCallOptions,
    live?: (part: Json) => void,
  ): Promise<SessionResult> {
    const { user, services } = this.#options
    if (call.kind === 'generate') checkAdmission(services, this.agent.name, user)
    let state = await this.#threads.read(user, this.#thread)
    rejectRun(state, this.threadId)
    if (state.open) {
      // After a crash, the interrupted step ends first.
      const { open, questions } = state
      let problem: unknown
      const noteProblem = (error: unknown): undefined => {
        problem = error
      }
      const before = questions.length > 0 ? undefined : await this.#carryOut(open, options).catch(noteProblem)
      state = await this.#threads.read(user, this.#thread)
      if (state.open) {
        const question = before?.questions?.[0]?.id ?? state.questions[0]?.question.id
        // The step cannot continue: another process executes it, the outcome of an effect is unknown, or its code has changed.
        if (question === undefined && problem !== undefined) throw openStepError(this.threadId, open, problem)
        throw waitingFor(this.threadId, question ?? '')
      }
    }
    const labels = call.kind === 'generate' ? services.guard.people : []
    const taint = taintField(joinTaint(checkTaint(options.taint, 'What is said'), labels))
    const open = { ...call, ...taint, step: `session:${this.#thread}#${state.steps + 1}` }
    await this.#threads.begin(user, this.#partner, state, open)
    return this.#carryOut(open, options, live)
  }

  async #carryOut(open: OpenStep, { signal }: SessionCallOptions, live?: (part: Json) => void): Promise<SessionResult> {
    const { user, steps } = this.#options
    const principal: Principal = { userId: user, kind: 'agent', name: this.agent.name }
    // A call by code of another step: that step has the labels of what this one has read.
    const note = AsyncLocalStorage.bind(addStepTaint)
    let begun: Recorder | undefined
    const noteTaint = () => note(begun?.taint, `the thread ${this.threadId}`)
    const noted =
      live &&
      ((part: Json) => {
        noteTaint()
        live(part)
      })
    try {
      const end = await steps.execute(
        {
          id: open.step,
          principal,
          input: { kind: open.kind, input: open.input, fingerprint: this.agent.fingerprint },
          ...taintField(open.taint),
          onEnd: () => this.#threads.ended(user, this.#thread),
          ...(signal ? { signal } : {}),
        },
        (recorder) => {
          begun = recorder
          return this.#program(open, recorder, noted)
        },
      )
      return await this.#resultOfEnd(end, open, signal)
    } finally {
      noteTaint()
      this.#executing = {}
    }
  }

  async #program(open: OpenStep, recorder: Recorder, live: ((part: Json) => void) | undefined): Promise<Outcome> {
    const { budgetOf, user } = this.#options
    const { services: shared } = this.#options
    const services = budgetOf ? { ...shared, limits: { ...shared.limits, budget: budgetOf(user) } } : shared
    const contextOf = (inner: Recorder, name: string, more: Pick<Acting, 'over' | 'within'> = {}) => {
      const ask = (question: AskOptions) => this.#ask(inner, open, name, question)
      return this.#options.contextOf(inner, { agent: this.agent, name, user, thread: this.#thread, ask, ...more })
    }
    const ctx = contextOf(recorder, this.agent.name)
    const ctxOf: CtxOf = (inner, name = this.agent.name, within = []) => contextOf(inner, name, { over: ctx, within })
    if (open.kind === 'tool')
      return { kind: 'value', value: await callForHost(this.agent, open, { recorder, ctxOf, services }) }
    const entry = {
      input: open.input,
      ctx,
      ctxOf,
      recorder,
      flow: replyOnly,
      services,
      thread: threadMessagesOf(this.#thread),
      onThread: (unsaved: (stored: number) => UnsavedMessages) => Object.assign(this.#executing, { unsaved }),
      onSpent: (spent: StepSpent) => Object.assign(this.#executing, spentField(spent)),
      ...(live ? { live } : {}),
    }
    return guardedStep(services, this.agent.name, recorder, async () => threadStep(this.agent, entry))
  }

  #ask(recorder: Recorder, open: OpenStep, agent: string, options: AskOptions): Promise<Json> {
    const notify = (name: string, question: object) => {
      const id = `${open.step.slice(open.step.lastIndexOf('#') + 1)}:${name}`
      const stored = { question: { ...(question as SessionQuestion), id, agent }, step: open.step, wait: name }
      return this.#threads.ask(this.#options.user, this.#thread, stored)
    }
    return createAsk(recorder, notify)(options)
  }

  async #resultOfEnd(end: StepEnd, open: OpenStep, signal: AbortSignal | undefined): Promise<SessionResult> {
    switch (end.status) {
      case 'completed':
        return sessionResultOf(end.outcome as Outcome)
      case 'failed':
        throw restoreError(end.error)
      case 'cancelled': {
        const { unsaved, spent } = this.#executing
        await clearCancelled(this.#options, this.#threads, { thread: this.#thread, open, unsaved })
        const what = `${this.agent.name} in the thread ${this.threadId}`
        throw failure('cancelled', { what, ...(spent === undefined ? {} : { spent }) }, { cause: signal?.reason })
      }
      case 'parked':
        // Without an open question the step was interrupted; it continues with the next call of the thread.
        if (end.waits.length === 0) throw failure('troupe.closed', { what: `An answer of ${this.agent.name}` })
        return {
          ...noResult(),
          status: 'waiting',
          success: false,
          questions: await openQuestions(this.#threads, this.#options.user, this.#thread),
        }
      case 'uncertain':
        throw failure('effect.uncertain', { effect: end.effect, step: open.step })
      case 'code.changed':
        throw failure('code.changed', { step: open.step, problem: end.problem })
      case 'lost':
        throw failure('journal.lost', { journal: open.step })
    }
  }
}

type WithOptions<Out> = (captured: SessionCallOptions) => Promise<Out>

/** Validates a message before anything is stored. @throws ValidationError for a value that is not JSON */
const copyOf = (input: Json, what = 'What the agent is asked'): Json => copyJson(input, what)
