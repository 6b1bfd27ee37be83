/** The questions and uncertain effects of a user that wait for a person, in one list, and their answers. */
import {
  cancelOpenStep,
  commitAnswer,
  resolveInThread,
  type UncertainEffectOfSession,
  uncertainFields,
} from '../../agents/index.ts'
import {
  capture,
  checkCall,
  checkConstruct,
  checkOptionNames,
  checkOptions,
  checkSignal,
  checkText,
  construct,
  failure,
  type JsonInput,
  type Page,
  type UserId,
} from '../../core/index.ts'
import { journalOwnerOf, type Resolution } from '../../journal/index.ts'
import type { CommandOptions, Orchestra } from '../../runs/index.ts'
import type { ApprovalListOptions, OpenApproval } from './approval.ts'
import { listApprovals } from './list-approvals.ts'
import { type ApprovalParts, threadOfId } from './read-approval.ts'

/**
 * Everything of a user that waits for a person: questions, approvals and uncertain effects of runs, sessions and message
 * handlers. `user.approvals` returns it.
 */
export class Approvals {
  readonly #parts: ApprovalParts
  readonly #user: UserId
  readonly #orchestra: Pick<Orchestra, 'get'>

  private constructor(key: typeof construct, parts: ApprovalParts, user: UserId, orchestra: Pick<Orchestra, 'get'>) {
    checkConstruct(key, 'Approvals', 'user.approvals')
    this.#parts = parts
    this.#user = user
    this.#orchestra = orchestra
  }

  static [construct](parts: ApprovalParts, user: UserId, orchestra: Pick<Orchestra, 'get'>): Approvals {
    return new Approvals(construct, parts, user, orchestra)
  }

  /**
   * Lists what waits for a person: first uncertain effects, then runs that wait, the newest first, then sessions that ask, then
   * runs in progress of which a branch waits for an answer. Runs that have ended are in the list while an effect of them is
   * uncertain.
   * @param options `limit`: 1 to 500, 50 by default; `cursor` of the previous page; `signal`
   * @returns a page; it can have fewer items than `limit` although a next page exists
   * @throws ValidationError; CancelledError if the signal has aborted
   * @example for await (const { id, title, questions } of await ada.approvals.list()) console.log(id, title, questions)
   */
  async list(options: ApprovalListOptions = {}): Promise<Page<OpenApproval>> {
    return listApprovals(this.#parts, this.#user, options)
  }

  /**
   * Answers a question of a run or a session. The answer is durable. A session continues in the process that has it in
   * memory, or else with the next call of its thread.
   * @param id the `id` of the item
   * @param question the `id` of the question
   * @param value by the kind of the question: one of the options, a text, `{ approve, hash }`, …
   * @param options as of `run.answer`
   * @throws ConflictError `question.unknown` for a question that is not open, `approval.mismatch`; NotFoundError `run.unknown`;
   * ValidationError for the value
   * @example await ada.approvals.answer(item.id, question.id, { approve: true, hash: question.hash })
   */
  async answer<T>(id: string, question: string, value: JsonInput<T>, options: CommandOptions = {}): Promise<void> {
    checkText('approvals.answer.id', id)
    checkText('approvals.answer.question', question)
    const run = journalOwnerOf(id)?.run
    if (run !== undefined) return (await this.#orchestra.get(run)).answer(question, value, options)
    checkOptions('approvals.answer', options, ['id', 'signal'])
    checkSignal('approvals.answer', options.signal)
    const thread = threadOfId(id)
    if (thread === undefined) throw failure('question.unknown', { question })
    const { store } = this.#parts.runs.orchestra.parts.stores.threads
    await commitAnswer(await this.#sessionOf(thread), store, thread, { id: question, value: capture(value) })
  }

  /**
   * Records the outcome of an uncertain effect, also of a run that has ended. A run or session that waits for it continues with
   * its output, or executes the effect. The message of a handler is redriven once no other effect of it is uncertain,
   * unless an `at-most-once` effect without a `key` has happened, which the redrive would repeat. First make sure that the
   * process which began the effect has ended.
   * @param id the `id` of the item
   * @param effect one of its `uncertain`
   * @throws ConflictError `effect.resolved` for an effect that is not uncertain; NotFoundError `run.unknown`; CapacityError
   * `mailbox.full` if the message cannot be redriven, and then nothing is recorded; ValidationError
   * @example await ada.approvals.resolve(item.id, effect, { happened: true, output: { receipt: 7 } })
   */
  async resolve(
    id: string,
    effect: Pick<UncertainEffectOfSession, 'step' | 'call'>,
    resolution: Resolution,
    options: Pick<CommandOptions, 'signal'> = {},
  ): Promise<void> {
    checkText('approvals.resolve.id', id)
    const run = journalOwnerOf(id)?.run
    if (run !== undefined) return (await this.#orchestra.get(run)).resolve(effect, resolution, options)
    checkCall('approvals.resolve', options)
    checkOptionNames('approvals.resolve', effect, uncertainFields)
    const { step, call } = effect
    for (const [name, text] of Object.entries({ step, call })) checkText(`approvals.resolve.${name}`, text)
    const captured = capture(resolution)
    const { communication, journal } = this.#parts
    const thread = threadOfId(id)
    if (thread !== undefined) {
      await resolveInThread(await this.#sessionOf(thread), thread, { step, call }, captured)
      return
    }
    if (step !== id) throw failure('effect.resolved', { effect: call, step })
    await communication.mailboxes.resolve(journal.steps, this.#user, { step, call }, captured)
  }

  /**
   * Cancels the run, or the open call of the session. An `at-most-once` effect without an outcome stays in the list.
   * @param id the `id` of the item
   * @param options as of `run.cancel`
   * @returns false if no call of the session is open, and for a message handler, which has stopped
   * @throws NotFoundError `run.unknown`; ConflictError `run.over`, and `thread.busy` while a run continues the thread;
   * ValidationError
   * @example await ada.approvals.cancel(item.id)
   */
  async cancel(id: string, options: CommandOptions = {}): Promise<boolean> {
    checkText('approvals.cancel.id', id)
    const run = journalOwnerOf(id)?.run
    if (run !== undefined) {
      await (await this.#orchestra.get(run)).cancel(options)
      return true
    }
    checkOptions('approvals.cancel', options, ['id', 'signal'])
    checkSignal('approvals.cancel', options.signal)
    const thread = threadOfId(id)
    if (thread === undefined) return false
    return cancelOpenStep(await this.#sessionOf(thread), this.#parts.runs.orchestra.parts.stores.threads.store, thread)
  }

  async #sessionOf(thread: string) {
    const { agents, journal, runs, security, stores } = this.#parts
    const found = await runs.orchestra.parts.stores.threads.store.get(this.#user, thread)
    const threadId = found?.threadId ?? thread
    const { audit } = security
    return {
      user: this.#user,
      threadId,
      storage: stores.storage,
      steps: journal.steps,
      services: agents.services,
      audit,
    }
  }
}
