/**
 * Staged writes: a tree of stages, one for the step and one for each tool call in it. What a turn commits is the stage
 * that asked, those around it, and those that are finished; a running neighbour keeps its own.
 */
import { type Clock, TimeSlice } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { CommittedWrite, StagedWrite } from '../recorder-port.ts'
import type { CallId, StagePath } from '../replay/call-id.ts'
import type { AnswerItem } from '../replay/step-record.ts'

export interface CallWrite {
  readonly id: CallId
  readonly write: StagedWrite
}

/** A commit that waits for effects; the effects that are called behind it begin with it. */
export interface PendingCommit {
  readonly behind: (() => void)[]
}

export class Stage {
  readonly path: StagePath
  readonly parent: Stage | undefined
  /** A body runs until it returns; others are finished whenever they have no open call. */
  readonly isBody: boolean
  running: boolean
  openCalls = 0
  /** A commit of it that waits for effects. */
  committing: PendingCommit | undefined
  /** Of a body that returned, until a turn records it. */
  result: { readonly call: CallId; readonly item: AnswerItem; readonly text: string } | undefined
  readonly listeners: ((committed: readonly StagedWrite[]) => void)[] = []
  /** Own writes and children in the order in which they were made. */
  parts: (CallWrite | Stage)[] = []

  constructor(path: StagePath, parent: Stage | undefined, isBody: boolean) {
    this.path = path
    this.parent = parent
    this.isBody = isBody
    this.running = isBody
    parent?.parts.push(this)
  }

  /** Its body, or one around it, has returned. */
  get over(): boolean {
    for (let stage: Stage | undefined = this; stage; stage = stage.parent)
      if (stage.isBody && !stage.running) return true
    return false
  }

  /** The commit, of it or of what is around it, that its next effects wait for. */
  get pendingCommit(): PendingCommit | undefined {
    return this.committing ?? this.parent?.pendingCommit
  }

  /** What it wrote is dropped: its body threw. */
  discard(): void {
    this.parts = []
    this.running = false
  }
}

export interface CommitSet {
  readonly staged: readonly CallWrite[]
  readonly stages: readonly Stage[]
  /** Stages that go on and keep what is theirs. */
  readonly remaining: readonly Stage[]
}

const isIncluded = (stage: Stage, lineage: ReadonlySet<Stage>): boolean =>
  lineage.has(stage) || (stage.isBody ? !stage.running : stage.openCalls === 0)

/** It, and all that is around it, would be collected. */
export const isInCommitSet = (stage: Stage, lineage: ReadonlySet<Stage>): boolean =>
  isIncluded(stage, lineage) && (stage.parent === undefined || isInCommitSet(stage.parent, lineage))

/** @param lineage the stages that ask to commit, and all around them */
export function collect(root: Stage, lineage: ReadonlySet<Stage>): CommitSet {
  const staged: CallWrite[] = []
  const stages: Stage[] = []
  const remaining: Stage[] = []
  const visit = (stage: Stage) => {
    if (!isIncluded(stage, lineage)) {
      remaining.push(stage)
      return
    }
    stages.push(stage)
    for (const part of stage.parts) {
      if (part instanceof Stage) visit(part)
      else staged.push(part)
    }
  }
  visit(root)
  return { staged, stages, remaining }
}

/**
 * Tool calls of one turn that write under one name with a neighbour, or with what is around them, would be in each other's
 * way at every attempt: the first of them that has returned, alone, and whether there are any.
 */
export function findConflicts(root: Stage, lineage: ReadonlySet<Stage>): { readonly body?: CommitSet } | undefined {
  let any = false
  const firstIn = (stage: Stage): Stage | undefined => {
    const conflicts = conflictsIn(stage)
    any ||= conflicts.size > 0
    for (const child of stage.parts) {
      if (!(child instanceof Stage) || !isIncluded(child, lineage)) continue
      // What stands inside is committed before what is around it.
      const first = firstIn(child) ?? (conflicts.has(child) && child.result ? child : undefined)
      if (first) return first
    }
    return undefined
  }
  const first = firstIn(root)
  if (!first) return any ? {} : undefined
  const others = root.parts.filter((part) => part instanceof Stage && part !== first) as Stage[]
  return { body: { ...collect(first, new Set()), remaining: [root, ...others] } }
}

/** The stage itself, and those right below it, that write under one name with another of them. */
function conflictsIn(stage: Stage): ReadonlySet<Stage> {
  const writers = new Map<string, Set<Stage>>()
  const visit = (inner: Stage, top: Stage) => {
    for (const part of inner.parts)
      if (part instanceof Stage) visit(part, top === stage ? part : top)
      else {
        const name = `${part.write.module} ${part.write.call.name}`
        writers.set(name, (writers.get(name) ?? new Set()).add(top))
      }
  }
  visit(stage, stage)
  return new Set([...writers.values()].flatMap((stages) => (stages.size > 1 ? [...stages] : [])))
}

export function lineageOf(stage: Stage, into: Set<Stage>): void {
  for (let each: Stage | undefined = stage; each; each = each.parent) into.add(each)
}

/** Takes what was collected out of its stages, so that no later turn commits it again. */
export function remove({ stages }: CommitSet): void {
  // Innermost first: a stage that is done leaves the one around it. All writes of a collected stage were collected.
  for (const stage of [...stages].reverse()) {
    stage.result = undefined
    stage.parts = stage.parts.filter((part) => part instanceof Stage && !isDone(part))
  }
}

/** A body that was recorded has nothing more to commit. */
const isDone = (stage: Stage): boolean =>
  stage.isBody && !stage.running && stage.result === undefined && stage.parts.length === 0

const manyWrites = 10_000

/** The writes of a turn, in the order in which all writers take their locks: context, messages, other; within it as staged. */
export class TurnWrites {
  readonly #commitSet: CommitSet
  #ordered: readonly StagedWrite[] | undefined

  constructor(commitSet: CommitSet) {
    this.#commitSet = commitSet
  }

  async fragments(slice: TimeSlice): Promise<readonly Fragment[]> {
    const fragments: Fragment[] = []
    // So many have already cost a slice when they were collected.
    if (this.#commitSet.staged.length > manyWrites) await slice.renew()
    const writes = this.#inOrder()
    for (const [i, { fragment, rest }] of writes.entries()) {
      if (slice.isOver) await slice.renew()
      const own = await fragment()
      fragments.push(rest && writes[i + 1]?.rest !== rest ? joined(own, await rest()) : own)
    }
    return fragments
  }

  /** @param made of the fragments, by their index */
  async reportCommitted(made: (index: number) => CommittedWrite, clock: Clock): Promise<void> {
    const writes = this.#inOrder()
    for (const stage of this.#commitSet.stages) for (const listener of stage.listeners) listener(writes)
    const slice = new TimeSlice(clock)
    for (const [i, write] of writes.entries()) {
      if (slice.isOver) await slice.renew()
      write.committed?.(made(i))
    }
  }

  #inOrder(): readonly StagedWrite[] {
    if (this.#ordered) return this.#ordered
    const byModule: Record<StagedWrite['module'], StagedWrite[]> = { context: [], messages: [], other: [] }
    for (const { write } of this.#commitSet.staged) byModule[write.module].push(write)
    this.#ordered = [...byModule.context, ...byModule.messages, ...byModule.other]
    return this.#ordered
  }
}

const joined = (first: Fragment, second: Fragment): Fragment =>
  first.statements.length === 0
    ? second
    : {
        statements: [...first.statements, ...second.statements],
        feed: [...(first.feed ?? []), ...(second.feed ?? [])],
        wake: [...(first.wake ?? []), ...(second.wake ?? [])],
      }
