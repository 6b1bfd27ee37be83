/**
 * The content of the next change of a step. Invariant: an entry leaves the buffer in exactly one part. A part whose change
 * was rejected returns without its claims and without its turn.
 */
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { ClaimRows } from '../effect-port.ts'
import type { CallId } from '../replay/call-id.ts'
import type { AnswerItem } from '../replay/step-record.ts'
import type { JournalEnd, Made, Rejection } from './own-journal.ts'

/** `gathering`: a change was requested, and answers may add entries to it. */
export type CommitPhase = 'idle' | 'gathering' | 'writing'

/** The claim of an effect, which may start when the claim is durable. */
export interface ClaimRequest {
  readonly text: string
  readonly fragment: Fragment | undefined
  readonly explain?: ClaimRows['explain'] | undefined
  readonly started: () => void
  readonly rejected: (rejection: Rejection) => void
  /** Called if the change was rejected or not made; the effect does not start. */
  readonly dropped: () => void
}

export interface PreparedTurn {
  readonly texts: readonly string[]
  readonly fragments: readonly Fragment[]
}

/** The part of a turn in a change, created when the change is cut. */
export interface TurnPart {
  /** Creates the fragments, in the order of the modules in a change. Yields to other work. */
  readonly prepare: () => Promise<PreparedTurn>
  readonly closes: JournalEnd
  /** The outcome, if the step ends with this turn. */
  readonly end?: ({ readonly value: Json } | { readonly error: StoredError }) & {
    /** The taint labels of the outcome. */
    readonly taint: readonly TaintLabel[]
  }
  /** Another part of the turn follows. Claims wait for the last part, because their inputs may depend on all of it. */
  readonly isPart?: true
  /**
   * Reports each write that is durable. It yields to other work, so it is awaited before the step learns of the commit.
   * @param made returns the committed rows of a fragment by its index
   */
  readonly reportCommitted: (made: Made) => Promise<void>
  readonly committed: () => void
}

/** One change of a step, as data. */
export interface StepPart {
  entries: string[]
  /** Entries of this attempt only, such as the failure of its turn. */
  remarks: readonly string[]
  claims: ClaimRequest[]
  fragments: Fragment[]
  /** Answers that the code gets when they are durable. */
  answers: AnswerItem[]
  /** The rows of the inbox that the change removes. */
  rows: number[]
  /** Uncertain effects that were resolved as not happened. They are executed when the resolution is durable. */
  cleared: CallId[]
  /** Rejected claims, without which the change was committed. */
  readonly rejected: { readonly claim: ClaimRequest; rejection: Rejection }[]
  turn: TurnPart | undefined
}

const emptyPart = (): StepPart => ({
  entries: [],
  remarks: [],
  claims: [],
  fragments: [],
  answers: [],
  rows: [],
  cleared: [],
  rejected: [],
  turn: undefined,
})

export const isEmptyPart = ({ entries, claims, fragments, turn }: StepPart): boolean =>
  entries.length + claims.length + fragments.length === 0 && !turn

export class CommitBuffer {
  phase: CommitPhase = 'idle'
  /** True if a change was requested after the last one was cut. */
  isWanted = false
  #open = emptyPart()
  #dropped: ClaimRequest[] = []

  /** True if the buffer has content for the next change. */
  get isDirty(): boolean {
    return !isEmptyPart(this.#open)
  }

  /** True if a change is requested or in progress. */
  get isBusy(): boolean {
    return this.isWanted || this.phase !== 'idle'
  }

  /** Adds an entry to the next change without requesting one. */
  add(entry: string, fragment?: Fragment): void {
    this.#open.entries.push(entry)
    if (fragment) this.#open.fragments.push(fragment)
  }

  addFragment(fragment: Fragment): void {
    this.#open.fragments.push(fragment)
  }

  /** Marks the answer as ready when the present content of the buffer is durable, and requests a change. */
  answerWhenDurable(item: AnswerItem): void {
    this.#open.answers.push(item)
    this.want()
  }

  addRows(rows: readonly number[], removal: Fragment): void {
    this.#open.rows.push(...rows)
    this.addFragment(removal)
    this.want()
  }

  clear(effect: CallId, entry: string): void {
    this.add(entry)
    this.#open.cleared.push(effect)
    this.want()
  }

  claim(request: ClaimRequest): void {
    this.#open.claims.push(request)
    this.want()
  }

  want(): void {
    this.isWanted = true
  }

  /** Takes the content for one change. @returns undefined if there is nothing to commit */
  cut(turn: TurnPart | undefined): StepPart | undefined {
    const part = this.#open
    this.isWanted = turn?.isPart === true
    this.#open = emptyPart()
    part.turn = turn
    if (turn?.isPart) this.#open.claims = part.claims.splice(0)
    if (!isEmptyPart(part)) return part
    this.#open = part
    return undefined
  }

  /** Takes the recorded content, without claims and turns. */
  cutRecord(remarks: readonly string[]): StepPart | undefined {
    this.dropClaims()
    const part = this.cut(undefined)
    if (!part && remarks.length === 0) return undefined
    return { ...(part ?? emptyPart()), remarks }
  }

  /**
   * Returns the content of a rejected change to the buffer, for a change without its claims and its turn.
   * @param fragments the fragments that may be valid in another change
   */
  requeue(part: StepPart, fragments: readonly Fragment[]): void {
    this.#dropped.push(...part.claims)
    this.#open.entries.unshift(...part.entries)
    this.#open.fragments.unshift(...fragments)
    this.#open.rows.unshift(...part.rows)
  }

  /** Drops claims because the step stops or their change was rejected. Their effects do not start. */
  dropClaims(): void {
    for (const claim of [...this.#dropped.splice(0), ...this.#open.claims.splice(0)]) claim.dropped()
  }
}
