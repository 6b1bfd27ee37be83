/** Checks the plain objects that functions of the testing kit accept. */
import { checkText, describe, invalidInput, listOf, objectOf } from '../core/index.ts'

/** A type of `typeof`, or `any` for every type; with `?` the field may be absent. */
type FieldType = 'string' | 'number' | 'function' | 'string?' | 'number?' | 'any'
export type FieldTypes = Readonly<Record<string, FieldType>>

/** @throws ValidationError for a value that is not a plain object, and for a field of another type */
export function checkFields(what: string, value: unknown, types: FieldTypes): void {
  const fields = objectOf(what, value as Readonly<Record<string, unknown>>)
  for (const [name, type] of Object.entries(types)) {
    const field = fields[name]
    if (type === 'any' || (type.endsWith('?') && field === undefined)) continue
    const wanted = type.replace('?', '')
    if (typeof field !== wanted) throw invalidInput(`${what}.${name}`, `it must be a ${wanted}, got ${describe(field)}`)
  }
}

/** @throws ValidationError for a value that is not a list, and for an item that is not such an object */
export function checkRecords(what: string, list: unknown, types: FieldTypes): void {
  for (const [i, item] of listOf(what, list as readonly unknown[]).entries()) checkFields(`${what}[${i}]`, item, types)
}

/** @throws ValidationError for a value that is neither a list of texts nor undefined */
export function checkTexts(what: string, list: unknown): void {
  if (list !== undefined) for (const item of listOf(what, list as readonly unknown[])) checkText(what, item)
}
