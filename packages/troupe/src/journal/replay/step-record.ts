/**
 * The record of a step for its next execution: the answers in their order, and the writes of committed turns. A fold of
 * the entries of the journal that takes no decision.
 */
import { type Json, restoreError, type StoredError, type TaintLabel } from '../../core/index.ts'
import type { EffectClass } from '../effect-port.ts'
import { type CallId, isWithin, type StagePath, stageOf, withoutRanges } from './call-id.ts'
import type { LogEntry } from './log-entry.ts'

/** The answer to the call with this id. The code gets answers in the order of the record. */
export interface AnswerItem {
  readonly kind: 'answer' | 'now' | 'effect' | 'body' | 'commit' | 'reply'
  readonly id: CallId
  value: Json | undefined
  error: StoredError | undefined
  /** The stack of the error, if this process threw it; for logs. */
  stack: string | undefined
  /** The hash of the effect's input. */
  readonly hash: string | undefined
  taint: readonly TaintLabel[] | undefined
  /** False until the answer is durable, or until its body was executed again. */
  ready: boolean
  /** True for the answer of a synchronous call that the code has made. */
  consumed: boolean
}

export interface EffectClaim {
  readonly hash: string
  readonly key: string
  readonly class: EffectClass
  readonly granted?: Json
  outcome: boolean
  uncertain: boolean
  /** Resolved as not happened in this execution. The effect starts when the resolution is durable. */
  cleared: 'recorded' | 'durable' | undefined
}

export interface WaitRecord {
  readonly hash: string
  readonly due: number | undefined
  answered: boolean
}

export interface RetainedOutcome {
  readonly item: AnswerItem
  readonly claimed: boolean
  /** The index of the answer in the failed turn. */
  readonly order: number
}

/** The answers that an execution counts too, so that a step has the same limit with and without a restart. */
const counted: ReadonlySet<LogEntry['t']> = new Set(['answer', 'effect', 'body', 'commit', 'reply'])

export class StepRecord {
  readonly #reexecuteBodies: boolean
  items: AnswerItem[] = []
  readonly claims = new Map<CallId, EffectClaim>()
  readonly waits = new Map<CallId, WaitRecord>()
  /** Claims and waits without an answer in the record that the code has not asked for in this execution. */
  readonly unasked = new Set<CallId>()
  /** Writes of committed turns that the code has not made in this execution. */
  readonly writes = new Set<CallId>()
  /** Outcomes of a failed turn. They answer the same calls when the turn is repeated. */
  readonly retained = new Map<CallId, RetainedOutcome>()
  /** For each call of a failed turn: the number of answers of committed turns that were given before it. */
  readonly positions = new Map<CallId, number>()
  /** Stages whose bodies are answered from the record. Their inner calls are not made again. */
  readonly #completedStages: StagePath[] = []
  #open = new Set<AnswerItem>()
  attempts = 0
  /** The number of restarts after the end of a process since the last other entry. */
  restarts = 0
  /** The number of answers that count against the limit of a step. */
  entries = 0
  inputHash: string | undefined
  end: { readonly value?: Json; readonly error?: StoredError } | undefined

  /** @param options.reexecuteBodies executes bodies of tools again although their results are recorded */
  constructor({ reexecuteBodies = false }: { readonly reexecuteBodies?: boolean } = {}) {
    this.#reexecuteBodies = reexecuteBodies
  }

  add(entry: LogEntry): void {
    if (counted.has(entry.t)) this.entries++
    this.restarts = entry.t === 'restarted' ? this.restarts + 1 : 0
    // The record may have the answer of a call that was open when its body returned.
    if ('id' in entry && this.#isCompleted(entry)) return
    switch (entry.t) {
      case 'answer':
      case 'now':
      case 'effect':
      case 'reused':
      case 'body':
      case 'commit':
      case 'reply':
        this.#deliver(entry)
        return
      case 'claim':
        this.claims.set(entry.id, {
          hash: entry.h,
          key: entry.k,
          class: entry.c,
          ...(entry.g === undefined ? {} : { granted: entry.g }),
          outcome: false,
          uncertain: false,
          cleared: undefined,
        })
        this.unasked.add(entry.id)
        return
      case 'released':
        this.claims.delete(entry.id)
        this.unasked.delete(entry.id)
        return
      case 'uncertain':
      case 'not-happened': {
        const claim = this.claims.get(entry.id)
        if (claim) claim.uncertain = entry.t === 'uncertain'
        return
      }
      case 'turn':
        this.#commit(entry)
        return
      case 'turn.failed':
        this.attempts = entry.attempt
        this.#fail()
        return
      case 'wait':
        this.waits.set(entry.id, { hash: entry.h, due: entry.due, answered: false })
        this.unasked.add(entry.id)
        return
      case 'started':
        this.inputHash = entry.h
        return
      case 'end':
        this.end = {
          ...(entry.v === undefined ? {} : { value: entry.v }),
          ...(entry.e === undefined ? {} : { error: entry.e }),
        }
    }
  }

  /** True if the code has made all claims, waits and writes of the record. */
  get allAsked(): boolean {
    return this.unasked.size + this.writes.size === 0
  }

  /**
   * Returns the first call of the record that the code, which has returned, did not make; undefined if it made all.
   * @param left the answers that were not given
   */
  unread(left: readonly AnswerItem[], asked: (id: CallId) => boolean): CallId | undefined {
    for (const item of left) if (!item.consumed && !asked(item.id)) return item.id
    return this.firstUnasked
  }

  get firstUnasked(): CallId | undefined {
    return this.unasked.values().next().value ?? this.writes.values().next().value
  }

  /** Returns a claimed effect of a failed turn that the repeated turn did not call; undefined if there is none. */
  unused(): CallId | undefined {
    for (const [id, retained] of this.retained) if (retained.claimed) return id
    return undefined
  }

  #deliver(entry: Extract<LogEntry, { readonly t: AnswerItem['kind'] | 'reused' }>): void {
    const item = this.#item(entry)
    if (!item) return
    if (entry.t === 'effect') this.#outcome(entry.id)
    if (entry.t === 'reply') this.#answered(entry.id)
    const position = 'p' in entry ? entry.p : undefined
    if (position === undefined) this.items.push(item)
    else this.items.splice(position, 0, item)
    if (entry.t !== 'commit') this.#open.add(item)
  }

  #item(entry: Extract<LogEntry, { readonly t: AnswerItem['kind'] | 'reused' }>): AnswerItem | undefined {
    if (entry.t === 'reused') {
      const retained = this.retained.get(entry.id)
      this.retained.delete(entry.id)
      return retained && { ...retained.item, consumed: false, ready: true }
    }
    const hash = entry.t === 'effect' ? (entry.h ?? this.claims.get(entry.id)?.hash) : undefined
    const value = 'v' in entry ? entry.v : undefined
    const error = 'e' in entry ? entry.e : undefined
    const taint = 'l' in entry ? entry.l : undefined
    return {
      kind: entry.t,
      id: entry.id,
      value,
      error,
      stack: undefined,
      hash,
      taint,
      ready: entry.t !== 'body',
      consumed: false,
    }
  }

  #outcome(id: CallId): void {
    const claim = this.claims.get(id)
    if (claim) claim.outcome = true
    this.unasked.delete(id)
  }

  #answered(id: CallId): void {
    const wait = this.waits.get(id)
    if (wait) wait.answered = true
    this.unasked.delete(id)
  }

  #commit(entry: Extract<LogEntry, { readonly t: 'turn' }>): void {
    this.attempts = 0
    for (const id of withoutRanges(entry.w ?? [])) if (!this.#isCompleted({ id })) this.writes.add(id)
    const completed: StagePath[] = []
    for (const [id, result] of Object.entries(this.#reexecuteBodies ? {} : (entry.b ?? {}))) {
      const item = this.items.find((each) => each.kind === 'body' && each.id === id)
      if (!item) continue
      item.value = result.v
      item.error = result.e
      item.taint = result.l
      item.ready = true
      completed.push(bodyStage(id))
    }
    this.#completedStages.push(...completed)
    if (completed.length > 0) this.#dropCompleted()
    const bodies = Object.keys(entry.b ?? {}).map(bodyStage)
    for (const item of this.#open)
      if (bodies.some((stage) => isOf(item, stage)) || !entry.o?.some((stage) => isOf(item, stage)))
        this.#open.delete(item)
  }

  #fail(): void {
    let order = 0
    let count = 0
    for (const item of this.items) {
      if (!this.#open.has(item)) {
        count++
        continue
      }
      this.positions.set(item.id, count)
      const rejected = item.kind === 'effect' && item.hash === undefined
      if (item.kind === 'answer' || item.kind === 'body' || rejected) continue
      const claimed = item.kind === 'reply' || (item.kind === 'effect' && this.claims.has(item.id))
      this.retained.set(item.id, { item, claimed, order: order++ })
    }
    this.items = this.items.filter((item) => !this.#open.has(item))
    this.#open.clear()
  }

  #isCompleted({ t, id }: { readonly t?: string; readonly id: CallId }): boolean {
    return this.#completedStages.some((stage) => isInside({ kind: t, id }, stage))
  }

  #dropCompleted(): void {
    const completed = ({ kind, id }: AnswerItem) => this.#isCompleted({ t: kind, id })
    this.items = this.items.filter((item) => !completed(item))
    for (const item of this.#open) if (completed(item)) this.#open.delete(item)
    for (const map of [this.claims, this.waits, this.retained])
      for (const id of map.keys()) if (this.#isCompleted({ id })) map.delete(id)
    for (const set of [this.writes, this.unasked]) for (const id of set) if (this.#isCompleted({ id })) set.delete(id)
  }
}

/** A body is identified by the path of its own stage. */
export const bodyCall = (path: StagePath): CallId => `${path}/body:#1`
const bodyStage = (id: CallId): StagePath => stageOf(id)
/** The result of a body belongs to the enclosing stage. */
const isInside = ({ kind, id }: { readonly kind?: string | undefined; readonly id: CallId }, stage: StagePath) =>
  kind === 'body' ? bodyStage(id).startsWith(`${stage}>`) : isWithin(stageOf(id), stage)

/** As `isInside`, with the result of the stage's own body. */
const isOf = (item: AnswerItem, stage: StagePath) =>
  isInside(item, stage) || (item.kind === 'body' && bodyStage(item.id) === stage)

/** Settles the promise of a call with its recorded value or error. */
export function finishCall(
  item: Pick<AnswerItem, 'value' | 'error'> & { readonly stack?: string | undefined },
  call: { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void },
): void {
  if (!item.error) {
    call.resolve(item.value)
    return
  }
  const error = restoreError(item.error)
  if (item.stack !== undefined) error.stack = item.stack
  call.reject(error)
}
