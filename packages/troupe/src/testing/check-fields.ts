/** Checks the plain objects that functions of the testing kit take. */
import { checkText, describe, failure, listOf, objectOf } from '../core/index.ts'

/** A type of `typeof`, `any` for whatever it is; with `?` the field may be absent. */
type FieldType = 'string' | 'number' | 'function' | 'string?' | 'number?' | 'any'
export type FieldTypes = Readonly<Record<string, FieldType>>

/** @throws ValidationError for what is no plain object, and for a field of another type */
export function checkFields(what: string, value: unknown, types: FieldTypes): void {
  const fields = objectOf(what, value as Readonly<Record<string, unknown>>)
  for (const [name, type] of Object.entries(types)) {
    const field = fields[name]
    if (type === 'any' || (type.endsWith('?') && field === undefined)) continue
    const wanted = type.replace('?', '')
    if (typeof field !== wanted)
      throw failure('validation.failed', {
        what: `${what}.${name}`,
        problem: `it must be a ${wanted}, got ${describe(field)}`,
      })
  }
}

/** @throws ValidationError for what is no list, and for an item that is not such an object */
export function checkRecords(what: string, list: unknown, types: FieldTypes): void {
  for (const [i, item] of listOf(what, list as readonly unknown[]).entries()) checkFields(`${what}[${i}]`, item, types)
}

/** @throws ValidationError for what is no list of texts; undefined is none, and fine */
export function checkTexts(what: string, list: unknown): void {
  if (list !== undefined) for (const item of listOf(what, list as readonly unknown[])) checkText(what, item)
}
