/** An atomic batch in a step: all operations are planned on a trial overlay, then staged without waiting. */
import type { BatchOperation, BatchOperationResult, Pushed } from '../context-client.ts'
import type { Push, Removal } from '../entries/fragments.ts'
import type { RecordedReads } from '../reads/recorded-reads.ts'
import type { ContextStage } from './context-stage.ts'
import { Overlay, type OverlayEntry } from './overlay.ts'
import { foundOf, type PreparedOperation, prepareAll } from './parse-batch.ts'
import type { PlannedPush } from './plan-writes.ts'

export interface StageBatchParts {
  readonly stage: ContextStage
  readonly reads: RecordedReads
  /** Records the read of a key in the audit log. */
  readonly audits: (key: string) => () => void
  readonly writePush: (push: Push, planned: PlannedPush) => Promise<Pushed>
  readonly writeRemoval: (removal: Removal, planned: OverlayEntry) => Promise<boolean>
}

/** Decides by what is visible at the call; the commit of the turn detects later writes of other processes. */
export async function stageBatch(
  operations: readonly BatchOperation[],
  prepare: (operation: BatchOperation) => Promise<PreparedOperation>,
  parts: StageBatchParts,
): Promise<readonly BatchOperationResult[]> {
  const trial = new Overlay(parts.stage.overlay)
  const planned = await prepareAll(operations, async (operation) => planOne(parts, await prepare(operation), trial))
  return Promise.all(planned.map((stage) => stage()))
}

/** Plans an operation. @returns a function that stages it without waiting */
async function planOne(
  { stage, reads, audits, writePush, writeRemoval }: StageBatchParts,
  operation: PreparedOperation,
  trial: Overlay,
): Promise<() => Promise<BatchOperationResult>> {
  const { type } = operation
  if (type === 'get') {
    const { key } = operation
    const value = await reads.valueOn(key, trial, audits(key))
    return async () => ({ type, key, success: true, ...foundOf(await value()) })
  }
  if (type === 'delete') {
    const { removal } = operation
    const { key } = removal
    const planned = await stage.planRemoval(removal, trial)
    if (planned) trial.set(key, planned, removal)
    return async () => ({
      type,
      key,
      success: true,
      deleted: planned !== undefined && (await writeRemoval(removal, planned)),
    })
  }
  const { push } = operation
  const planned = await stage.planPush(push, false, trial)
  trial.set(push.key, planned, push)
  return async () => ({ type, success: true, ...(await writePush(push, planned)) })
}
