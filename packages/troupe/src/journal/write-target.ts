/**
 * Where a client writes: outside a step each write is one change, in a step it is staged and commits with the turn. This
 * is the only difference between the two; rights, validation and capture belong to the client and are applied once.
 */
import type { Json, Provenance, Recordable, TaintLabel } from '../core/index.ts'
import type { Fragment } from '../storage/index.ts'
import type { CallName, CommittedWrite, Recorder, StagedWrite } from './recorder-port.ts'

export interface Write<R> {
  /** Identifies the write in the record of the step. */
  readonly call: CallName
  readonly module: StagedWrite['module']
  /** Commits the write as one change. */
  now(): Promise<R>
  /** The same write as a part of a turn. */
  turn(): TurnWrite<R>
}

export interface TurnWrite<R> {
  readonly fragment: () => Fragment | Promise<Fragment>
  /** The result before the commit of the turn. */
  readonly answer: R
  readonly committed?: (made: CommittedWrite) => void
}

export interface WriteOrigin {
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
}

export interface WriteTarget {
  /** Makes a call of the client. A step does not end before its calls have ended, also if its code does not await them. */
  call<T>(run: () => Promise<T>): Promise<T>
  /** Returns provenance and taint of a write that is made now. */
  origin(): WriteOrigin
  /** Asks, or answers from the record. The name of the call is made only where there is a record. */
  answer<T>(call: () => CallName, ask: () => Recordable<T> | Promise<Recordable<T>>): Promise<T>
  /** The same for calls that must answer synchronously. */
  answerNow<T>(call: () => CallName, ask: () => Recordable<T>): T
  /** Runs what applies at once and is not part of a turn: in a step once, however often the step is executed. */
  once<T>(name: string, input: Json, run: () => Promise<Recordable<T>>): Promise<T>
  /**
   * @param staged is called with the object that the recorder reports as committed; not called for a write that a
   * committed turn has already
   */
  write<R>(write: Write<R>, staged?: (entry: object) => void): Promise<R>
}

/** Outside a step. */
export class CommitNow implements WriteTarget {
  readonly origin: () => WriteOrigin

  constructor(origin: () => WriteOrigin) {
    this.origin = origin
  }

  call<T>(run: () => Promise<T>): Promise<T> {
    return run()
  }

  async answer<T>(_: () => CallName, ask: () => Recordable<T> | Promise<Recordable<T>>): Promise<T> {
    return ask()
  }

  answerNow<T>(_: () => CallName, ask: () => Recordable<T>): T {
    return ask()
  }

  once<T>(_name: string, _input: Json, run: () => Promise<Recordable<T>>): Promise<T> {
    return run()
  }

  write<R>(write: Write<R>): Promise<R> {
    return write.now()
  }
}

/** The target in a step, or in one of its stages. */
export class StageInTurn implements WriteTarget {
  readonly #recorder: Recorder

  constructor(recorder: Recorder) {
    this.#recorder = recorder
  }

  call<T>(run: () => Promise<T>): Promise<T> {
    return this.#recorder.clientCall(run)
  }

  origin(): WriteOrigin {
    const { provenance, taint } = this.#recorder
    return { provenance, taint }
  }

  answer<T>(call: () => CallName, ask: () => Recordable<T> | Promise<Recordable<T>>): Promise<T> {
    return this.#recorder.answer(call(), ask)
  }

  answerNow<T>(call: () => CallName, ask: () => Recordable<T>): T {
    return this.#recorder.answerNow(call(), ask)
  }

  once<T>(name: string, input: Json, run: () => Promise<Recordable<T>>): Promise<T> {
    return this.#recorder.effect(name, { class: 'idempotent', input }, run)
  }

  async write<R>(write: Write<R>, staged?: (entry: object) => void): Promise<R> {
    const { answer, ...parts } = write.turn()
    const entry: StagedWrite = { call: write.call, module: write.module, ...parts }
    if (this.#recorder.stage(entry)) staged?.(entry)
    return answer
  }
}
