/**
 * The turn: what a step has staged commits with what it has recorded, in one change. Commits wait for the effects that
 * were started before them.
 */
import { copyJson, type Json, type StoredError, storeError, TimeSlice, type WorkInParts } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { EffectToken } from '../effects/effects-in-progress.ts'
import { checkSize } from '../effects/run-effect.ts'
import type { Wait } from '../recorder-port.ts'
import { type CallId, withRanges } from '../replay/call-id.ts'
import { entryText } from '../replay/log-entry.ts'
import type { AnswerItem } from '../replay/step-record.ts'
import { createItem, type Execution } from '../steps/execution.ts'
import type { TaintScope } from '../steps/taint-scope.ts'
import { type PendingWait, timerOf, waitHash } from '../steps/waits.ts'
import type { TurnPart } from './commit-buffer.ts'
import {
  type CommitSet,
  collect,
  findConflicts,
  lineageOf,
  type PendingCommit,
  remove,
  type Stage,
  TurnWrites,
} from './stages.ts'

type Request =
  | { readonly stage: Stage; readonly commit: CallId }
  | { readonly stage: Stage; readonly wait: PendingWait }
  | { readonly stage: Stage; readonly end: Ending }

interface WaitingRequest {
  readonly request: Request
  readonly around: ReadonlySet<Stage>
  readonly before: readonly EffectToken[]
  readonly pending: PendingCommit
}

/** The outcome of the step; `text` is the value as JSON. */
type Ending = { readonly value: Json; readonly text: string } | { readonly error: StoredError }

export class Turn {
  readonly #execution: Execution
  #ready: Request[] = []
  /** Requests that wait for effects which were started before them. */
  #waiting: WaitingRequest[] = []

  constructor(execution: Execution) {
    this.#execution = execution
  }

  commit(stage: Stage): Promise<void> {
    const execution = this.#execution
    const id = execution.counter.next(stage.path, { kind: 'commit', name: '' })
    const promise = execution.open(id) as Promise<void>
    if (!execution.cursor.find(id)) execution.start(id, () => this.#request({ stage, commit: id }))
    return promise
  }

  wait(stage: Stage, wait: Wait, scope: TaintScope): Promise<Json> {
    const execution = this.#execution
    const id = execution.counter.next(stage.path, wait.call)
    const hash = waitHash(wait.call, wait.input)
    const known = execution.record.waits.get(id)
    const promise = execution.open(id, known !== undefined && !known.answered, scope) as Promise<Json>
    if (!known) {
      execution.options.lastReturn.update()
      execution.start(id, () => this.#request({ stage, wait: { id, hash, wait } }))
      return promise
    }
    execution.asked(id)
    if (known.hash !== hash) execution.changed(`${id} was asked with another input`)
    const retained = execution.record.retained.get(id)
    if (retained) execution.reuse(id, retained)
    else if (!known.answered) {
      execution.waits.add(id)
      execution.advance()
    }
    return promise
  }

  /** Requests the last turn: the outcome with all staged writes, or an error without them. */
  end(end: { readonly value: Json; readonly text?: string } | { readonly thrown: unknown }): void {
    this.#ready = [
      { stage: this.#execution.root, end: 'thrown' in end ? this.#failed(end.thrown) : this.#encoded(end) },
    ]
  }

  /**
   * Copies an outcome, because its code may change it later. An outcome that cannot be recorded fails the step, because
   * another execution would return it again.
   */
  #encoded(end: { readonly value: Json; readonly text?: string }): Ending {
    const what = `The outcome of ${this.#execution.spec.id}`
    try {
      // A long outcome is already a copy with its text.
      const value = end.text === undefined ? copyJson(end.value, what) : end.value
      const text = end.text ?? JSON.stringify(value)
      checkSize(this.#execution, text, what)
      return { value, text }
    } catch (thrown) {
      return { error: storeError(thrown, this.#execution.options.redact) }
    }
  }

  /** Omits the details of a large error. */
  #failed(thrown: unknown): Ending {
    const error = storeError(thrown, this.#execution.options.redact)
    const { details: _, ...rest } = error
    return { error: JSON.stringify(error).length > this.#execution.options.limits.valueBytes / 8 ? rest : error }
  }

  #request(request: Request): void {
    const around = lineage([request])
    const { stage } = request
    const { effects } = this.#execution
    const before = effects.before(stage, around)
    if (effects.areOver(before, around)) {
      this.#ask(request)
      return
    }
    const pending: PendingCommit = { behind: [] }
    if ('commit' in request) stage.committing = pending
    this.#waiting.push({ request, around, before, pending })
  }

  /** Makes the requests whose effects have ended, in their order, and begins the effects that were called after them. */
  advance(): void {
    if (this.#waiting.length === 0) return
    const { effects } = this.#execution
    const due = this.#waiting.filter(({ before, around }) => effects.areOver(before, around))
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting))
    for (const { request, pending } of due) {
      const { stage } = request
      if (stage.committing === pending) stage.committing = undefined
      this.#ask(request)
      for (const begin of pending.behind) begin()
    }
  }

  /** Drops the waiting requests. The effects that were called after them do not begin, because the step has stopped. */
  stop(): void {
    for (const { pending } of this.#waiting.splice(0)) for (const begin of pending.behind) begin()
  }

  #ask(request: Request): void {
    const execution = this.#execution
    if (!execution.isOpen) return
    if (this.#isEmpty(request)) {
      const item = createItem('commit', request.commit, {})
      execution.answer(item, { t: 'commit', id: request.commit }, undefined)
      return
    }
    this.#ready.push(request)
    execution.buffer.want()
    execution.advance()
  }

  /** Returns true if nothing is staged and everything is durable. The commit is then recorded with the next append. */
  #isEmpty(request: Request): request is Extract<Request, { readonly commit: CallId }> {
    const { buffer, root } = this.#execution
    if (!('commit' in request) || buffer.isDirty || buffer.isBusy) return false
    const { staged, stages } = collect(root, lineage([request]))
    return staged.length === 0 && stages.every((stage) => stage.result === undefined)
  }

  /** Returns the part of the turn in the change that is being cut; undefined if no request is ready. */
  take(): TurnPart | undefined {
    if (this.#ready.length === 0 || !this.#execution.isActive) return undefined
    const threw = this.#ready.some((request) => 'end' in request && 'error' in request.end)
    // After a rejection, a tool call that conflicts with others commits first. The others then read its writes.
    const conflicts =
      this.#execution.record.attempts > 0 && !threw
        ? findConflicts(this.#execution.root, lineage(this.#ready))
        : undefined
    const requests = conflicts?.body ? [] : this.#ready.splice(0, conflicts ? 1 : this.#ready.length)
    const isPart = this.#ready.length > 0
    const commitSet = conflicts?.body ?? (threw ? nothing : collect(this.#execution.root, lineage(requests)))
    return { ...this.#part(requests, commitSet, threw), ...(isPart ? { isPart } : {}) }
  }

  #part(requests: readonly Request[], commitSet: CommitSet, threw: boolean): TurnPart {
    const texts: string[] = []
    const entry = turnEntry(commitSet, requests)
    const writes = new TurnWrites(commitSet)
    remove(commitSet)
    const commits = requests.flatMap((request) =>
      'commit' in request ? [this.#commitItem(request.commit, texts)] : [],
    )
    const asked = requests.flatMap((request) => ('wait' in request ? [request.wait] : []))
    this.#recordWaits(asked, texts)
    const end = requests.flatMap((request) => ('end' in request ? [request.end] : []))[0]
    const stepEnd = end && this.#endStep(end, texts)
    return {
      closes: stepEnd === undefined ? false : threw ? 'failed' : 'completed',
      prepare: async () => {
        const slice = new TimeSlice(this.#execution.options.clock)
        const first = entry ? [await slice.finish(entry)] : []
        const written = await writes.fragments(slice)
        const fragments = [...written, ...(await this.#askAll(asked)), ...(stepEnd ? [stepEnd] : [])]
        return { texts: [...first, ...texts], fragments }
      },
      ...(end ? { end: { ...end, taint: this.#execution.taint } } : {}),
      reportCommitted: (made) => writes.reportCommitted(made, this.#execution.options.clock),
      committed: () => {
        this.#execution.record.attempts = 0
        for (const item of commits) this.#execution.ready(item)
        for (const { id } of asked) this.#execution.cursor.setPassive(id, true)
        this.#execution.advance()
      },
    }
  }

  #commitItem(id: CallId, texts: string[]): AnswerItem {
    const item = createItem('commit', id, {})
    item.ready = false
    this.#execution.count()
    this.#execution.cursor.push(item)
    texts.push(entryText({ t: 'commit', id }))
    return item
  }

  #recordWaits(asked: readonly PendingWait[], texts: string[]): void {
    const execution = this.#execution
    const now = execution.options.clock.now()
    for (const { id, hash, wait } of asked) {
      const due = wait.timeoutMs === undefined ? {} : { due: now + wait.timeoutMs }
      execution.record.waits.set(id, { hash, due: due.due, answered: false })
      execution.waits.add(id)
      texts.push(entryText({ t: 'wait', id, h: hash, ...due }))
    }
  }

  async #askAll(asked: readonly PendingWait[]): Promise<Fragment[]> {
    const { spec } = this.#execution
    const fragments: Fragment[] = []
    for (const { id, wait } of asked) {
      fragments.push(await wait.notify(id))
      const due = this.#execution.record.waits.get(id)?.due
      if (due !== undefined)
        fragments.push(
          this.#execution.options.timers.set(
            spec.principal.userId,
            spec.id,
            timerOf(id),
            due,
            wait.timeoutMs as number,
          ),
        )
    }
    return fragments
  }

  /** Records the end of the step. @returns statements that remove its timers */
  #endStep(end: Ending, texts: string[]): Fragment {
    const execution = this.#execution
    const { spec } = execution
    if ('value' in end) texts.push(entryText({ t: 'end' }, end.text))
    else texts.push(entryText({ t: 'end', e: end.error }))
    const statements = [...execution.record.waits]
      .filter(([, wait]) => !wait.answered && wait.due !== undefined)
      .flatMap(([id]) => execution.options.timers.clear(spec.principal.userId, spec.id, timerOf(id)).statements)
    return { statements }
  }
}

/** Returns the entry of a turn; undefined if the turn commits only the end of the step. */
function turnEntry(
  { staged, stages, remaining }: CommitSet,
  requests: readonly Request[],
): WorkInParts<string> | undefined {
  const results = stages.flatMap((stage) => (stage.result ? [stage.result] : []))
  const isEndOnly = requests.every((request) => 'end' in request)
  if (isEndOnly && staged.length === 0 && results.length === 0) return undefined
  return turnText(staged, remaining, results)
}

function* turnText(
  staged: CommitSet['staged'],
  remaining: readonly Stage[],
  results: readonly NonNullable<Stage['result']>[],
): WorkInParts<string> {
  const writes = yield* withRanges(staged.map(({ id }) => id))
  const fields = {
    t: 'turn',
    ...(writes.length > 0 ? { w: writes } : {}),
    ...(remaining.length > 0 ? { o: remaining.map(({ path }) => path) } : {}),
  }
  const bodies = results.map(({ call, text }) => `${JSON.stringify(call)}:${text}`)
  const text = JSON.stringify(fields)
  return bodies.length > 0 ? `${text.slice(0, -1)},"b":{${bodies.join(',')}}}` : text
}

const nothing: CommitSet = { staged: [], stages: [], remaining: [] }

function lineage(requests: readonly Request[]): ReadonlySet<Stage> {
  const stages = new Set<Stage>()
  for (const { stage } of requests) lineageOf(stage, stages)
  return stages
}
