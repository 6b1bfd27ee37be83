/** Evaluates the conditions of an edge on the value that would be passed along it. */
import { canonicalJson, type Json } from '../../../core/index.ts'
import type { Condition } from '../../../topology/index.ts'

function at(value: Json, path: string | undefined): Json | undefined {
  if (path === undefined || path === '') return value
  let found: Json | undefined = value
  for (const part of path.split('.')) {
    if (found === null || typeof found !== 'object' || !Object.hasOwn(found, part)) return undefined
    found = (found as { readonly [key: string]: Json })[part]
  }
  return found
}

const same = (a: Json | undefined, b: Json) => a !== undefined && canonicalJson(a) === canonicalJson(b)

/** All named conditions must hold. */
export function conditionHolds(condition: Condition | undefined, value: Json): boolean {
  if (!condition) return true
  const found = at(value, condition.path)
  if (condition.exists !== undefined && (found !== undefined) !== condition.exists) return false
  if (condition.equals !== undefined && !same(found, condition.equals)) return false
  if (condition.notEquals !== undefined && same(found, condition.notEquals)) return false
  if (condition.in !== undefined && !condition.in.some((one) => same(found, one))) return false
  if (condition.greaterThan !== undefined && !(typeof found === 'number' && found > condition.greaterThan)) return false
  if (condition.lessThan !== undefined && !(typeof found === 'number' && found < condition.lessThan)) return false
  return true
}
