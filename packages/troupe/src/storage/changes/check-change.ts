/** Rejects values that an engine would store differently, before any statement of the change is executed. */
import { failure, invalidInput, isExactNumber } from '../../core/index.ts'
import type { Change } from '../storage-port.ts'
import type { Bind, Statement } from './statement.ts'

const [smallest, largest] = [-(2n ** 63n), 2n ** 63n - 1n]

/**
 * Rejects values that storage would change silently: half a surrogate pair, text after NUL, inexact integers and NaN.
 * @throws ValidationError `validation.failed`
 */
export function checkBinds(statements: readonly Statement[]): void {
  for (const { binds } of statements)
    for (const bind of binds) {
      const problem = problemOf(bind)
      if (problem !== undefined) throw invalidInput('A value to be stored', problem)
    }
}

function checkText(text: string, what: string): void {
  const problem = problemOf(text)
  if (problem !== undefined) throw invalidInput(what, problem)
}

function problemOf(bind: Bind): string | undefined {
  if (typeof bind === 'string') {
    if (bind.includes('\0')) return 'a text holds NUL'
    return bind.isWellFormed() ? undefined : 'a text holds half of a surrogate pair'
  }
  if (typeof bind === 'number') {
    if (!Number.isFinite(bind)) return `${bind} is not a finite number`
    return isExactNumber(bind) ? undefined : `${bind} is beyond ${Number.MAX_SAFE_INTEGER} and not exact`
  }
  if (typeof bind === 'bigint') return bind < smallest || bind > largest ? `${bind} has more than 64 bits` : undefined
  if (bind === null || bind instanceof Uint8Array || (typeof bind === 'object' && bind.$ === 'now')) return undefined
  return `a ${typeof bind} cannot be bound`
}

/** Rejects a change that no adapter accepts, before any statement is executed. */
export function checkChange(change: Change): void {
  if (change.feed?.length && !('user' in change.scope))
    throw failure('invariant.broken', { rule: 'a change of the work tables has no feed items' })
  checkBinds(change.statements)
  for (const { key, data } of change.feed ?? []) {
    checkText(key, 'The key of a feed item')
    checkText(data, 'A feed item')
  }
  if (change.id !== null) checkText(change.id, 'The id of a change')
}
