/**
 * Accepts answers to questions of runs that arrive as messages. An accepted answer is durable. It is delivered once,
 * identified by its message, also if several processes handle it. A rejected answer becomes a dead letter with the reason.
 */
import { z } from 'zod'
import { checkName, checkOptions, failure, type Json, listOf, TroupeError } from '../core/index.ts'
import { defineMessage, type HandlerContext, type Message, Worker } from '../messaging/index.ts'
import type { Orchestra } from '../runs/index.ts'
import type { AuditLog, Incidents } from '../security/index.ts'

/**
 * Answers a question of a run, as `run.answer` does. If it is sent as a request, the reply comes once the run has the answer.
 * @param payload.run the id of the run
 * @param payload.question the id of the question
 * @param payload.value the answer, as `run.answer` accepts it for this kind of question
 * @example await messages.send(AnswerQuestion, { run: run.id, question: question.id, value: 'red' }, { to: 'Answers' })
 */
export const AnswerQuestion = defineMessage(
  'troupe.answer',
  z.strictObject({ run: z.string().min(1), question: z.string().min(1), value: z.json() }),
  { reply: z.strictObject({ answered: z.literal(true) }), ordering: 'none' },
)

/** The options of `user.acceptAnswers`. */
export interface AcceptAnswersOptions {
  /** The agents whose answers are accepted. Answers of all others are rejected. */
  readonly from: readonly string[]
  /**
   * The agents of `from` that may also give or deny approvals; none by default. An approval stays bound to its hash. An
   * approval by an agent that has a step in the run or in an ancestor of it is rejected.
   */
  readonly approvals?: readonly string[]
  /** The name of the mailbox; `Answers` by default. */
  readonly name?: string
}

/** Errors of a run for which a retry would fail again. */
const lasting = ['NotFoundError', 'ConflictError', 'ValidationError']

export class QuestionInbox extends Worker {
  readonly #from: ReadonlySet<string>
  readonly #approvals: ReadonlySet<string>
  readonly #rejected: (from: string, action: string) => void
  readonly #orchestra: Pick<Orchestra, 'get'>
  readonly #takesPart: (agent: string, run: string, question: string) => Promise<boolean>
  readonly #audit: Pick<AuditLog, 'by'>

  /** @throws ValidationError */
  constructor(
    options: AcceptAnswersOptions,
    parts: {
      readonly user: string
      readonly orchestra: Pick<Orchestra, 'get'>
      readonly incidents: Pick<Incidents, 'record'>
      readonly audit: Pick<AuditLog, 'by'>
      /** Returns whether the agent has a step in the run that asked, or in an ancestor of it. */
      readonly takesPart: (agent: string, run: string, question: string) => Promise<boolean>
    },
  ) {
    checkOptions('acceptAnswers', options, ['from', 'approvals', 'name'])
    super(options.name ?? 'Answers', { role: 'answers' })
    const named = (what: string, names: readonly string[]) =>
      new Set(listOf(`acceptAnswers.${what}`, names).map((name) => checkName('agent', name)))
    this.#from = named('from', options.from)
    this.#approvals = named('approvals', options.approvals ?? [])
    this.#orchestra = parts.orchestra
    this.#takesPart = parts.takesPart
    this.#audit = parts.audit
    this.#rejected = (agent, action) => parts.incidents.record(parts.user, { agent, action, code: 'access.denied' })
    this.on(AnswerQuestion, this.answer)
  }

  async answer(
    { id, from, taint, provenance, payload }: Message<{ run: string; question: string; value: unknown }>,
    { signal }: HandlerContext,
  ): Promise<{ answered: true }> {
    const { run, question } = payload
    const value = payload.value as Json
    const rejection = (problem: string) => failure('answer.rejected', { from, question, problem })
    const approves = typeof value === 'object' && value !== null && 'approve' in value
    if (!this.#from.has(from) || (approves && !this.#approvals.has(from))) {
      this.#rejected(from, approves ? 'approve' : 'answer')
      throw rejection(approves ? 'it may not approve' : 'its answers are not accepted')
    }
    if (approves && (await this.#takesPart(from, run, question))) {
      this.#rejected(from, 'approve')
      throw rejection('it takes part in the run, and a call is approved by others')
    }
    // The answer to a run counts as a person's. A tainted answer is rejected, since its taint would be lost here. That a
    // message of no step is private is no label of its content: an answer by `run.answer` is as private.
    const labels = provenance.stepId === undefined ? taint.filter((label) => label !== 'sensitive:private') : taint
    if (labels.length > 0) throw rejection(`it holds what is ${labels.join(' and ')}`)
    try {
      const found = await this.#orchestra.get(run, { signal })
      // The audit log names the sender, who has approved or refused.
      await this.#audit.by({ key: undefined, agent: from }, () => found.answer(question, value, { id, signal }))
    } catch (error) {
      if (error instanceof TroupeError && lasting.includes(error.name)) throw rejection(error.message)
      throw error
    }
    return { answered: true }
  }
}
