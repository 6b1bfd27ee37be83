/** Names a schema once in the document, in place of a copy at each use. */
import type { z } from 'zod'

export interface SharedSchemas {
  /** By name, each with references to the others. */
  readonly schemas: Readonly<Record<string, object>>
  /** Puts a reference for each copy of a shared schema below `part`. */
  replaceIn<T extends object>(part: T): T
}

/** @param render the schema as the document has it */
export function shareSchemas(
  named: Readonly<Record<string, z.ZodType>>,
  render: (schema: z.ZodType) => object,
): SharedSchemas {
  const rendered = Object.entries(named).map(([name, schema]) => [name, render(schema)] as const)
  const names = new Map(rendered.map(([name, schema]) => [textOf(schema), name]))
  const within = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replaced)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).filter(([field, inner]) => field !== 'readOnly' || typeof inner !== 'boolean')
    return Object.fromEntries(entries.map(([field, inner]) => [field, replaced(inner)]))
  }
  const replaced = (value: unknown): unknown => {
    const name = typeof value === 'object' && value !== null ? names.get(textOf(value)) : undefined
    return name === undefined ? within(value) : { $ref: `#/components/schemas/${name}` }
  }
  return {
    schemas: Object.fromEntries(rendered.map(([name, schema]) => [name, within(schema) as object])),
    replaceIn: <T extends object>(part: T) => replaced(part) as T,
  }
}

/** An array that cannot be changed is marked so in an answer, which is read-only as a whole. */
const textOf = (schema: object): string =>
  JSON.stringify(schema, (field, value) => (field === 'readOnly' && typeof value === 'boolean' ? undefined : value))
