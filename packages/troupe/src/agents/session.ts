/**
 * One agent at work for one user and thread. Each call is a durable step of its own; calls of one session run one after
 * the other, so that the thread stays one conversation.
 */
import {
  CancelledError,
  failure,
  type Json,
  nearest,
  type Principal,
  restoreError,
  type TroupeError,
  type UserId,
} from '../core/index.ts'
import type { Recorder, StepEnd, Steps } from '../durable/index.ts'
import type { Storage } from '../storage/index.ts'
import { callTool, parseArguments, type Tool } from '../tools/index.ts'
import type { Agent, AskOptions, Outcome, StepContext, StepReport, Ways } from './agent-port.ts'
import { checkAnswer, createAsk } from './ask-question.ts'
import { LlmAgent } from './llm-agent.ts'
import type { Services } from './services-port.ts'
import { SessionStream } from './session-stream.ts'
import { createThreadStore, type OpenQuestion, type OpenStep, type ThreadStore } from './thread-store.ts'

/** What the sessions of one troupe share. */
export interface SessionParts {
  readonly steps: Steps
  readonly storage: Pick<Storage, 'dialect' | 'read' | 'commit'>
  readonly services: Services
  /** `ctx` over a recorder. What it may is what the agent of the session may, also where a helper acts for it. */
  readonly contextOf: (recorder: Recorder, acting: Acting) => StepContext
  /** Sends a text to another agent of the user, outside any step. */
  readonly send: (user: UserId, from: string, to: string, content: Json) => Promise<unknown>
}
export interface Acting {
  /** Of the session: whose rights count. */
  readonly agent: Agent
  /** Who acts: the agent, or a helper of it. */
  readonly name: string
  readonly user: UserId
  readonly ask: StepContext['ask']
  /** The context of the step, where the recorder is of a stage over it. */
  readonly over?: StepContext['context']
}
export interface SessionPlace {
  readonly user: UserId
  readonly threadId: string
}
export type SessionOptions = SessionParts & SessionPlace

export interface SessionResult {
  readonly status: 'completed' | 'waiting'
  readonly success: boolean
  /** What the model said; of another form than text, its JSON. */
  readonly text: string
  /** The value: of the agent's output schema where it has one, else the text. */
  readonly output: Json
  readonly response: Json
  readonly usage: StepReport['usage']
  readonly cost: StepReport['cost']
  readonly toolCalls: StepReport['toolCalls']
  /** `provider/model` that answered; empty for an agent without a model. */
  readonly model: string
  readonly fallback?: NonNullable<StepReport['fallback']>
  /** What it waits for. */
  readonly questions?: readonly OpenQuestion[]
}
export type RunOutcome =
  | SessionResult
  | (Omit<SessionResult, 'status'> & { readonly status: 'failed' | 'cancelled'; readonly error: TroupeError })

export interface CallOptions {
  readonly signal?: AbortSignal
}

const onlyBack: Ways = { invoke: [], handOff: [], finish: false, askUser: false, value: 'back' }
const noReport: StepReport = {
  text: '',
  usage: { inputTokens: 0, outputTokens: 0 },
  cost: { usd: 0, unknown: [] },
  toolCalls: [],
  model: '',
}

/**
 * How one troupe opens its sessions.
 * @example const open = createSessions(parts); const session = open(agent, { user: 'ada', threadId: 't' })
 */
export function createSessions(parts: SessionParts): (agent: Agent, place: SessionPlace) => Session {
  const threads = createThreadStore(parts.storage)
  return (agent, place) => new Session(agent, { ...parts, ...place }, threads)
}

export const createSession = (agent: Agent, options: SessionOptions): Session => createSessions(options)(agent, options)

export class Session {
  readonly agent: Agent
  readonly threadId: string
  readonly #options: SessionOptions
  readonly #threads: ThreadStore
  /** Of the agent in the thread: two agents on one thread keep conversations of their own. */
  readonly #thread: string
  #last: Promise<unknown> = Promise.resolve()
  /** Of the step that runs: what its conversation would lack if it were cut off. */
  #rest: ((stored: number) => readonly Json[]) | undefined

  constructor(agent: Agent, options: SessionOptions, threads: ThreadStore) {
    this.agent = agent
    this.threadId = options.threadId
    this.#options = options
    this.#threads = threads
    this.#thread = `${options.threadId}/${agent.name}`
    if (agent instanceof LlmAgent) agent.freeze()
  }

  /**
   * Says something to the agent and waits for what it makes of it.
   * @throws what it failed with; CancelledError when the signal aborts; ConflictError `session.waiting`
   */
  generate(input: Json, options: CallOptions = {}): Promise<SessionResult> {
    return this.#inTurn(() => this.#begin({ kind: 'generate', input }, options))
  }

  /**
   * The same, for the text alone.
   * @throws ConflictError `session.waiting` when it waits for an approval or answer instead
   */
  async chat(text: string, options: CallOptions = {}): Promise<string> {
    const result = await this.generate(text, options)
    if (result.status === 'waiting') throw this.#waiting(result.questions?.[0]?.id ?? '')
    return result.text
  }

  /** The same, never throwing for what the agent failed with. */
  async run(input: Json, options: CallOptions = {}): Promise<RunOutcome> {
    try {
      return await this.generate(input, options)
    } catch (error) {
      const status = error instanceof CancelledError ? 'cancelled' : 'failed'
      return { ...resultOf({ kind: 'value', value: null }), status, success: false, error: error as TroupeError }
    }
  }

  /**
   * The pieces of the answer as they come, then in `result` the whole.
   * @example
   * const stream = session.stream('Tell me a story.')
   * for await (const part of stream) if (part.type === 'text-delta') show(part.delta)
   * const { text } = await stream.result
   */
  stream(input: Json, options: CallOptions = {}): SessionStream<SessionResult> {
    return new SessionStream((live) => this.#inTurn(() => this.#begin({ kind: 'generate', input }, options, live)))
  }

  /**
   * Answers what it waits for, and waits for what comes of it.
   * @throws ConflictError `question.unknown` for a second answer, `approval.mismatch`; ValidationError
   */
  answer(id: string, value: Json, options: CallOptions = {}): Promise<SessionResult> {
    return this.#inTurn(async () => {
      const { user, steps, storage } = this.#options
      const { open, questions } = await this.#threads.read(user, this.#thread)
      const stored = questions.find(({ question }) => question.id === id)
      if (!stored || !open) throw failure('question.unknown', { question: id })
      const checked = checkAnswer(stored.question, value)
      const fragments = [
        this.#threads.answered(user, this.#thread, id),
        steps.answer(user, stored.step, stored.wait, { value: checked }),
      ]
      const done = await storage.commit({
        id: null,
        scope: { user },
        statements: fragments.flatMap(({ statements }) => statements),
        feed: fragments.flatMap(({ feed = [] }) => feed),
        wake: fragments.flatMap(({ wake = [] }) => wake),
      })
      if (!done.ok) throw failure(done.code, done.detail ?? {})
      return this.#carryOut(open, options)
    })
  }

  /** What the thread waits for. */
  async questions(): Promise<readonly OpenQuestion[]> {
    return (await this.#threads.read(this.#options.user, this.#thread)).questions.map(({ question }) => question)
  }

  /**
   * Calls one of the agent's tools on the host's behalf: no approval is asked for.
   * @throws ValidationError `tool.unknown` or for the arguments, ProcessingError `tool.failed`
   */
  async executeTool(name: string, input: Json, options: CallOptions = {}): Promise<Json> {
    const result = await this.#inTurn(() => this.#begin({ kind: 'tool', tool: name, input }, options))
    return result.output
  }

  /** @returns the message that was sent */
  sendMessage(to: string, content: Json): Promise<unknown> {
    return this.#options.send(this.#options.user, this.agent.name, to, content)
  }

  #inTurn<Out>(run: () => Promise<Out>): Promise<Out> {
    const mine = this.#last.then(run, run)
    this.#last = mine.catch(() => {})
    return mine
  }

  async #begin(
    call: Omit<OpenStep, 'step'>,
    options: CallOptions,
    live?: (part: Json) => void,
  ): Promise<SessionResult> {
    const { user } = this.#options
    let state = await this.#threads.read(user, this.#thread)
    if (state.open) {
      // Cut off by a crash: what was begun ends first.
      const before =
        state.questions.length > 0 ? undefined : await this.#carryOut(state.open, options).catch(() => undefined)
      state = await this.#threads.read(user, this.#thread)
      if (state.open) throw this.#waiting(before?.questions?.[0]?.id ?? state.questions[0]?.question.id ?? '')
    }
    const open = { ...call, step: `session:${this.#thread}#${state.steps + 1}` }
    await this.#threads.begin(user, this.#thread, state.steps + 1, open)
    return this.#carryOut(open, options, live)
  }

  get #conversation(): string {
    return `thread:${this.#thread}`
  }

  async #carryOut(open: OpenStep, { signal }: CallOptions, live?: (part: Json) => void): Promise<SessionResult> {
    const { user, steps } = this.#options
    this.#rest = undefined
    const principal: Principal = { userId: user, kind: 'agent', name: this.agent.name }
    const end = await steps.execute(
      {
        id: open.step,
        principal,
        input: { kind: open.kind, input: open.input, fingerprint: this.agent.fingerprint },
        settled: () => this.#threads.ended(user, this.#thread),
        ...(signal ? { signal } : {}),
      },
      async (recorder) => (await this.#program(open, recorder, live)) as unknown as Json,
    )
    return this.#resultOfEnd(end, open, signal)
  }

  async #program(open: OpenStep, recorder: Recorder, live: ((part: Json) => void) | undefined): Promise<Outcome> {
    const { services } = this.#options
    const contextOf = (inner: Recorder, name: string, over?: StepContext['context']) => {
      const ask = (question: AskOptions) => this.#ask(inner, open, name, question)
      const acting = { agent: this.agent, name, user: this.#options.user, ask, ...(over ? { over } : {}) }
      return this.#options.contextOf(inner, acting)
    }
    const ctx = contextOf(recorder, this.agent.name)
    const ctxOf = (inner: Recorder, name = this.agent.name) => contextOf(inner, name, ctx.context)
    if (open.kind === 'tool') return { kind: 'value', value: await this.#runTool(open, recorder, ctxOf) }
    return this.agent.step({
      input: open.input,
      ctx,
      ctxOf,
      recorder,
      ways: onlyBack,
      services,
      conversation: this.#conversation,
      onConversation: (rest) => {
        this.#rest = rest
      },
      ...(live ? { live } : {}),
    })
  }

  #ask(recorder: Recorder, open: OpenStep, agent: string, options: AskOptions): Promise<Json> {
    const tell = (name: string, question: object) => {
      const id = `${open.step.slice(open.step.lastIndexOf('#') + 1)}:${name}`
      const stored = { question: { ...(question as OpenQuestion), id, agent }, step: open.step, wait: name }
      return this.#threads.ask(this.#options.user, this.#thread, stored)
    }
    return createAsk(recorder, tell)(options)
  }

  async #runTool(
    { tool: name = '', input }: OpenStep,
    recorder: Recorder,
    ctxOf: (recorder: Recorder) => StepContext,
  ): Promise<Json> {
    const { services, user } = this.#options
    const tools: ReadonlyMap<string, Tool> = this.agent instanceof LlmAgent ? this.agent.made.tools : new Map()
    const tool = tools.get(name)
    if (!tool)
      throw failure('tool.unknown', {
        tool: name,
        nearest: nearest(name, tools.keys()) ?? ([...tools.keys()].join(', ') || 'none'),
      })
    const { clock, events, timeouts } = services
    const timeout = timeouts.tool === undefined ? {} : { timeoutMs: timeouts.tool }
    const host = { clock, events, userId: user, agent: this.agent.name, ctxOf, ...timeout }
    const parsed = await parseArguments(tool, input)
    try {
      return await callTool(host, recorder, tool, { id: '1', args: input, input: parsed })
    } catch (error) {
      if (recorder.signal.aborted) throw error
      throw failure('tool.failed', { tool: name, problem: (error as Error).message }, { cause: error })
    }
  }

  async #resultOfEnd(end: StepEnd, open: OpenStep, signal: AbortSignal | undefined): Promise<SessionResult> {
    switch (end.status) {
      case 'settled':
        return resultOf(end.outcome as unknown as Outcome)
      case 'failed':
        throw restoreError(end.error)
      case 'cancelled':
        await this.#clear(open)
        throw failure(
          'cancelled',
          { what: `${this.agent.name} in the thread ${this.threadId}` },
          { cause: signal?.reason },
        )
      case 'parked':
        return {
          ...resultOf({ kind: 'value', value: null }),
          status: 'waiting',
          success: false,
          questions: await this.questions(),
        }
      case 'uncertain':
        throw failure('effect.uncertain', { effect: end.effect, step: open.step })
      case 'code.changed':
        throw failure('code.changed', { step: open.step, problem: end.problem })
      case 'lost':
        throw failure('journal.lost', { journal: open.step })
    }
  }

  /**
   * A step that was cancelled tells nobody by itself. What had been said when it was cut off stays in the thread, so that
   * the model knows of calls that may have had an effect.
   */
  async #clear(open: OpenStep): Promise<void> {
    const { user, storage, services } = this.#options
    const state = await this.#threads.read(user, this.#thread)
    if (state.open?.step !== open.step) return
    const stored = (await services.conversations.load(user, this.#conversation)).length
    const rest = this.#rest?.(stored) ?? []
    const kept = services.conversations.append(user, this.#conversation, stored, rest)
    const statements = [...this.#threads.ended(user, this.#thread).statements, ...kept.statements]
    const result = await storage.commit({ id: null, scope: { user }, statements, feed: [], wake: [] })
    if (!result.ok) throw failure(result.code, result.detail ?? {})
  }

  #waiting(question: string): TroupeError {
    return failure('session.waiting', { thread: this.threadId, question })
  }
}

function resultOf(outcome: Outcome): SessionResult {
  const report = outcome.report ?? noReport
  const value = 'value' in outcome ? outcome.value : 'input' in outcome ? outcome.input : null
  return {
    status: 'completed',
    success: true,
    text: typeof value === 'string' ? value : report.text || JSON.stringify(value),
    output: value,
    response: value,
    usage: report.usage,
    cost: report.cost,
    toolCalls: report.toolCalls,
    model: report.model,
    ...(report.fallback ? { fallback: report.fallback } : {}),
  }
}
