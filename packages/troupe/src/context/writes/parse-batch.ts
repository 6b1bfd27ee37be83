/** Checks and prepares the operations of a batch, which are then executed one by one, staged together or committed together. */
import {
  captureWithin,
  checkFlag,
  checkOptionNames,
  checkOptions,
  failure,
  fieldOf,
  invalidInput,
  type Json,
  readable,
  show,
  TroupeError,
} from '../../core/index.ts'
import type { WriteOrigin } from '../../journal/index.ts'
import type { BuiltInTool } from '../../security/index.ts'
import type { BatchOperation, BatchOperationResult, ContextClient, Signal } from '../context-client.ts'
import { keyText } from '../entries/define-key.ts'
import { checkedKey, type Push, preparePush, prepareRemoval, type Removal } from '../entries/fragments.ts'
import type { Committed, MeshCore } from '../mesh-core.ts'

type BatchClient = Pick<ContextClient, 'push' | 'get' | 'delete' | 'getMany'>

export type PreparedOperation =
  | { readonly type: 'push'; readonly push: Push }
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'delete'; readonly removal: Removal }

const rights = { push: 'push_context', get: 'get_context', delete: 'delete_context' } as const
const maxOperations = 1_000
/** Copies the values of operations. A value that several operations share is copied once. */
const valuesDepth = 2

/**
 * Returns the operations as they are at the call.
 * @throws ValidationError `validation.failed`; `value.too_large` for more than 8 MiB together
 */
export function parseBatch(
  operations: readonly BatchOperation[],
  options: { readonly atomic?: boolean } & Signal,
): readonly BatchOperation[] {
  checkOptions('batch', options, ['atomic', 'signal'])
  if (options.atomic !== undefined) checkFlag('atomic', options.atomic)
  if (!readable('batch', () => Array.isArray(operations)) || operations.length > maxOperations)
    throw invalidInput('A batch', `it must be a list of at most ${maxOperations} operations`)
  for (const [i, operation] of operations.entries()) {
    const wrong = (problem: string) => invalidInput(`Operation ${i}`, problem)
    const type = fieldOf(operation, 'type')
    if (typeof type !== 'string' || !Object.hasOwn(rights, type)) throw wrong('its type must be push, get or delete')
    // All operations have one signal, that of the batch.
    if ((operation as Signal).signal !== undefined) throw wrong('a signal is an option of the whole batch')
  }
  return captureWithin(operations, 'The batch', valuesDepth)
}

/** @returns the result of an operation that failed */
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
  client: BatchClient,
  signalOption: Signal,
): Promise<BatchOperationResult> {
  const { type, key, ...options } = operation
  if (operation.type === 'get') {
    checkOptionNames('a get of a batch', options, [])
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

/** Operations that had not begun when the signal aborted are reported as cancelled; earlier ones were executed. */
export async function oneByOne(
  operations: readonly BatchOperation[],
  client: BatchClient,
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
 * Prepares one operation of an atomic batch.
 * @throws AccessDeniedError, ValidationError
 */
export async function prepareOperation(
  { type, key, ...options }: BatchOperation,
  core: MeshCore,
  origin: () => WriteOrigin,
  require: (right: BuiltInTool) => void,
): Promise<PreparedOperation> {
  require(rights[type])
  if (type === 'delete') return { type, removal: prepareRemoval(core, key, options) }
  if (type === 'push') {
    const { value, ...rest } = options as { readonly value: Json }
    return { type, push: await preparePush(core, key, value, rest, origin()) }
  }
  checkOptionNames('a get of a batch', options, [])
  return { type: 'get', key: checkedKey(key) }
}

/**
 * Prepares all operations; a failure names the operation, and reports that the others were not executed.
 * @param one is called for each operation in order
 */
export async function prepareAll<T>(
  operations: readonly BatchOperation[],
  one: (operation: BatchOperation) => Promise<T>,
): Promise<readonly T[]> {
  const prepared: T[] = []
  for (const [i, operation] of operations.entries())
    try {
      prepared.push(await one(operation))
    } catch (error) {
      throw aborted(operations, i, error)
    }
  return prepared
}

export const revisionOf = ({ revision }: Committed) => (revision === null ? {} : { revision })

/** Returns the failure with the result of each operation: one failed, none applied. */
export function aborted(operations: readonly BatchOperation[], at: number, thrown: unknown): unknown {
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
