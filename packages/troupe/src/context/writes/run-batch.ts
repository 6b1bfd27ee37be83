/** Several operations: each for itself, or all in one change that applies wholly or not at all. Results in order. */
import {
  capture,
  checkFlag,
  checkOptions,
  decodeJson,
  failure,
  fieldOf,
  type Json,
  type Provenance,
  readable,
  show,
  type TaintLabel,
  TroupeError,
} from '../../core/index.ts'
import type { BuiltInTool } from '../../security/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { BatchOperation, BatchOperationResult, ContextClient, Signal } from '../context-client.ts'
import { keyText } from '../entries/define-key.ts'
import { restoreValue } from '../entries/entry-row.ts'
import {
  type Actor,
  checkedKey,
  type Push,
  preparePush,
  prepareRemoval,
  quotaOf,
  type Removal,
  removeFragment,
  unboundedPush,
} from '../entries/fragments.ts'
import type { Committed } from '../mesh-core.ts'
import type { MeshServices } from '../mesh-services.ts'
import { pushedVersion } from '../reads/write-version.ts'
import { now, readerValues } from '../statements/visibility.ts'

export interface BatchContext {
  readonly client: Pick<ContextClient, 'push' | 'get' | 'delete' | 'getMany'>
  readonly mesh: Pick<MeshServices, 'core' | 'pushed' | 'deleted'>
  readonly actor: Actor
  readonly require: (right: BuiltInTool) => void
  readonly origin: { readonly provenance: Provenance; readonly taint: readonly TaintLabel[] }
}

const rights = { push: 'push_context', get: 'get_context', delete: 'delete_context' } as const
const maxOperations = 1_000

export async function runBatch(
  operations: readonly BatchOperation[],
  options: { readonly atomic?: boolean; readonly signal?: AbortSignal },
  parts: BatchContext,
): Promise<readonly BatchOperationResult[]> {
  checkOptions('batch', options, ['atomic', 'signal'])
  if (options.atomic !== undefined) checkFlag('atomic', options.atomic)
  const captured = checkBatchOperations(operations)
  return options.atomic ? atomic(captured, parts) : oneByOne(captured, parts.client, options.signal)
}

/** @returns the operations as they are at the call */
export function checkBatchOperations(operations: readonly BatchOperation[]): readonly BatchOperation[] {
  if (!readable('batch', () => Array.isArray(operations)) || operations.length > maxOperations)
    throw failure('validation.failed', {
      what: 'A batch',
      problem: `it is a list of at most ${maxOperations} operations`,
    })
  for (const [i, operation] of operations.entries()) {
    const wrong = (problem: string) => failure('validation.failed', { what: `Operation ${i}`, problem })
    const type = fieldOf(operation, 'type')
    if (typeof type !== 'string' || !Object.hasOwn(rights, type)) throw wrong('its type is push, get or delete')
    // What commits together, or one after the other, has one signal.
    if ((operation as Signal).signal !== undefined) throw wrong('a signal is an option of the whole batch')
  }
  return capture(operations)
}

/** @returns what is told of an operation that failed */
export function failedOperation(operation: BatchOperation, thrown: unknown): BatchOperationResult {
  if (!(thrown instanceof TroupeError)) throw thrown
  return {
    type: operation.type,
    key: show(keyText(operation.key)),
    success: false,
    error: { code: thrown.code, message: thrown.message },
  }
}

async function one(
  operation: BatchOperation,
  client: BatchContext['client'],
  signalOption: Signal,
): Promise<BatchOperationResult> {
  const { type, key, ...options } = operation
  if (operation.type === 'get') {
    checkOptions('a get of a batch', options, [])
    const text = checkedKey(key)
    const found = await client.getMany([text], signalOption)
    return { type: 'get', key: text, success: true, ...foundOf(found.get(text)) }
  }
  if (operation.type === 'delete')
    return {
      type: 'delete',
      key: checkedKey(key),
      success: true,
      deleted: await client.delete(key, { ...options, ...signalOption }),
    }
  const { value, ...rest } = options as { readonly value: Json }
  return { type: 'push', success: true, ...(await client.push(key as string, value, { ...rest, ...signalOption })) }
}
export const foundOf = (value: Json | undefined) => (value === undefined ? { found: false } : { found: true, value })

/** Those that had not begun when the signal aborted are told as cancelled, for those before them were done. */
export async function oneByOne(
  operations: readonly BatchOperation[],
  client: BatchContext['client'],
  signal?: AbortSignal,
): Promise<readonly BatchOperationResult[]> {
  const signalOption = signal ? { signal } : {}
  const results: BatchOperationResult[] = []
  for (const operation of operations)
    results.push(
      await one(operation, client, signalOption).catch((error: unknown) => failedOperation(operation, error)),
    )
  return results
}

/**
 * For a stage: what would be refused is found before anything is staged. Then all at once: what others write meanwhile is
 * for the commit to find, and never between two of them.
 * @param plan gives what stages it as planned, before it waits for anything
 */
export async function allOrNone(
  operations: readonly BatchOperation[],
  plan: (operation: BatchOperation) => Promise<() => Promise<BatchOperationResult>>,
): Promise<readonly BatchOperationResult[]> {
  const planned: (() => Promise<BatchOperationResult>)[] = []
  for (const [i, operation] of operations.entries())
    try {
      planned.push(await plan(operation))
    } catch (error) {
      throw aborted(operations, i, error)
    }
  return Promise.all(planned.map((stage) => stage()))
}

type Prepared =
  | { readonly type: 'push'; readonly push: Push }
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'delete'; readonly removal: Removal; readonly missing: boolean }

async function atomic(
  operations: readonly BatchOperation[],
  parts: BatchContext,
): Promise<readonly BatchOperationResult[]> {
  if (operations.length === 0) return []
  const prepared: Prepared[] = []
  for (const [i, operation] of operations.entries())
    try {
      prepared.push(await prepare(operation, parts))
    } catch (error) {
      throw aborted(operations, i, error)
    }
  return commitAll(operations, prepared, parts)
}

async function prepare(
  operation: BatchOperation,
  { mesh: { core }, require, origin }: BatchContext,
): Promise<Prepared> {
  require(rights[operation.type])
  const { type, key, ...options } = operation
  if (type === 'delete') return { type, removal: prepareRemoval(core, key, options), missing: false }
  if (type === 'push') {
    const { value, ...rest } = options as { readonly value: Json }
    return { type, push: await preparePush(core, key, value, rest, origin) }
  }
  checkOptions('a get of a batch', options, [])
  return { type: 'get', key: checkedKey(key) }
}

interface Part extends Fragment {
  /** The statement whose rows are the result. */
  readonly result: number
}

function partOf(operation: Prepared, { mesh: { core }, actor }: BatchContext): Part {
  if (operation.type === 'push') {
    const { put, ...fragment } = unboundedPush(core, actor, operation.push)
    return { ...fragment, result: put }
  }
  const values = readerValues(actor)
  if (operation.type === 'get')
    return { statements: [core.reads.value({ ...values, key: operation.key }, { returns: true })], result: 0 }
  if (!operation.missing) return { ...removeFragment(core, actor, operation.removal), result: 0 }
  // It was not there a moment ago; that must still be so where the others apply.
  const gone = core.writes.visible(
    { ...values, user: actor.user, key: operation.removal.key, now },
    { expect: { rows: 0 } },
  )
  return { statements: [gone], result: 0 }
}

async function commitAll(
  operations: readonly BatchOperation[],
  first: readonly Prepared[],
  parts: BatchContext,
): Promise<readonly BatchOperationResult[]> {
  const {
    actor,
    mesh: { core },
  } = parts
  let prepared = first
  for (;;) {
    const fragments = prepared.map((operation) => partOf(operation, parts))
    const starts = fragments.map((_, i) =>
      fragments.slice(0, i).reduce((sum, { statements }) => sum + statements.length, 0),
    )
    // What a delete behind a push makes room for fits: what counts is what is left of them all.
    const lastPush = prepared.findLastIndex(({ type }) => type === 'push')
    const quota = { statements: lastPush < 0 ? [] : quotaOf(core, actor) }
    const result = await core.tryCommit(actor.user, ...fragments, quota)
    if (result.ok) {
      const results: BatchOperationResult[] = []
      for (const [i, operation] of prepared.entries())
        results.push(await resultOf(operation, result, (starts[i] ?? 0) + (fragments[i]?.result ?? 0), parts))
      return results
    }
    const at = result.code === 'context.quota' ? lastPush : starts.findLastIndex((start) => start <= result.statement)
    const broken = prepared[at]
    // A delete of nothing is no failure: the rest is tried without it.
    if (broken?.type === 'delete' && !broken.missing && result.code === 'context.missing')
      prepared = prepared.with(at, { ...broken, missing: true })
    else if (broken?.type === 'delete' && broken.missing && result.code === 'storage.expectation')
      prepared = prepared.with(at, { ...broken, missing: false })
    else throw aborted(operations, at, failure(result.code, result.detail))
  }
}

export const revisionOf = ({ revision }: Committed) => (revision === null ? {} : { revision })

async function resultOf(
  operation: Prepared,
  committed: Committed,
  at: number,
  { mesh, actor }: BatchContext,
): Promise<BatchOperationResult> {
  const { core } = mesh
  if (operation.type === 'delete') {
    const { key } = operation.removal
    if (!operation.missing) mesh.deleted(actor, key, committed.revision)
    return { type: 'delete', key, success: true, deleted: !operation.missing }
  }
  if (operation.type === 'push') {
    const version = await pushedVersion(core, actor.user, operation.push, committed, at)
    await mesh.pushed(actor, operation.push, version, committed.revision)
    return { type: 'push', key: operation.push.key, success: true, version, ...revisionOf(committed) }
  }
  // An answer that was lost after the commit is read again.
  const [read = []] = committed.repeated
    ? await core.read(actor.user, core.reads.value({ ...readerValues(actor), key: operation.key }))
    : [committed.rows[at]]
  const row = read[0]
  const value =
    row === undefined ? undefined : decodeJson(await core.loadJson(actor.user, restoreValue(String(row.value))))
  return { type: 'get', key: operation.key, success: true, ...foundOf(value) }
}

/** The failure itself, with what is told of each operation: one failed, none applied. */
function aborted(operations: readonly BatchOperation[], at: number, thrown: unknown): unknown {
  if (!(thrown instanceof TroupeError)) return thrown
  const results = operations.map((operation, i) =>
    i === at
      ? failedOperation(operation, thrown)
      : failedOperation(
          operation,
          failure('batch.aborted', { operation: at, key: show(keyText(operations[at]?.key ?? '')) }),
        ),
  )
  return Object.assign(thrown, { results })
}
