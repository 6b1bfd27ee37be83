/**
 * What the next change of a step holds. Invariant: an entry leaves the buffer in exactly one part; a part whose change was
 * rejected comes back without its claims and without its turn.
 */
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { CallId } from '../replay/call-id.ts'
import type { AnswerItem } from '../replay/step-record.ts'
import type { JournalEnd, Made, Rejection } from './own-journal.ts'

/** `gathering`: a change is wanted, and answers may still add to it. */
export type CommitPhase = 'idle' | 'gathering' | 'writing'

/** An effect that may start once this is durable. */
export interface ClaimRequest {
  readonly text: string
  readonly fragment: Fragment | undefined
  readonly started: () => void
  readonly rejected: (rejection: Rejection) => void
  /** Its change was rejected or never made: its effect never starts. */
  readonly dropped: () => void
}

export interface PreparedTurn {
  readonly texts: readonly string[]
  readonly fragments: readonly Fragment[]
}

/** A turn's part of a change, made at the moment it is cut. */
export interface TurnPart {
  /** The fragments are in the order of the modules in a change. It yields to other work. */
  readonly prepare: () => Promise<PreparedTurn>
  readonly closes: JournalEnd
  /** The step ends with it. */
  readonly end?: ({ readonly value: Json } | { readonly error: StoredError }) & {
    /** Of the outcome. */
    readonly taint: readonly TaintLabel[]
  }
  /** The rest of the turn is still to come: what is claimed was made with all of it, and waits. */
  readonly isPart?: true
  /**
   * Reports each write that is durable. It yields to other work, so it is awaited before the step learns of the commit.
   * @param made of its fragments, by their index
   */
  readonly reportCommitted: (made: Made) => Promise<void>
  readonly committed: () => void
}

/** One change of a step, as data. */
export interface StepPart {
  entries: string[]
  /** What only this attempt says, as that its turn failed. */
  remarks: readonly string[]
  claims: ClaimRequest[]
  fragments: Fragment[]
  /** Given to the code once they are durable. */
  answers: AnswerItem[]
  /** Rows of the inbox that it removes. */
  rows: number[]
  /** Uncertain effects that did not happen: carried out once that is durable. */
  cleared: CallId[]
  /** Claims that the change was made without, since they were rejected. */
  readonly rejected: { readonly claim: ClaimRequest; readonly rejection: Rejection }[]
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
  /** A change was asked for since the last one was cut. */
  isWanted = false
  #open = emptyPart()
  #dropped: ClaimRequest[] = []

  /** Something waits for the next change. */
  get isDirty(): boolean {
    return !isEmptyPart(this.#open)
  }

  /** A change is asked for or under way. */
  get isBusy(): boolean {
    return this.isWanted || this.phase !== 'idle'
  }

  /** Goes with the next change, whatever causes it. */
  add(entry: string, fragment?: Fragment): void {
    this.#open.entries.push(entry)
    if (fragment) this.#open.fragments.push(fragment)
  }

  addFragment(fragment: Fragment): void {
    this.#open.fragments.push(fragment)
  }

  /** The answer is ready when what was added so far is durable. */
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

  /** @returns undefined where there is nothing to commit */
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

  /** What was recorded, without claims and turns. */
  cutRecord(remarks: readonly string[]): StepPart | undefined {
    this.dropClaims()
    const part = this.cut(undefined)
    if (!part && remarks.length === 0) return undefined
    return { ...(part ?? emptyPart()), remarks }
  }

  /**
   * Takes back what was not committed, for another attempt in another form.
   * @param fragments those that may be valid in another change
   */
  requeue(part: StepPart, fragments: readonly Fragment[]): void {
    this.#dropped.push(...part.claims)
    this.#open.entries.unshift(...part.entries)
    this.#open.fragments.unshift(...fragments)
    this.#open.rows.unshift(...part.rows)
  }

  /** Their effects never start: the step stops, or their change was rejected. */
  dropClaims(): void {
    for (const claim of [...this.#dropped.splice(0), ...this.#open.claims.splice(0)]) claim.dropped()
  }
}
