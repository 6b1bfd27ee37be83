/** Replaces copies of a schema in the document by references to one named schema. */
import type { z } from 'zod'

export interface SharedSchemas {
  /** The schemas by name, with references to each other. */
  readonly schemas: Readonly<Record<string, object>>
  /** Replaces each copy of a shared schema inside `part` by a reference. */
  replaceIn<T extends object>(part: T): T
}

/** @param render returns the schema in the form of the document */
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

/** Removes the marks of readonly arrays, since all of an answer is read-only. */
const textOf = (schema: object): string =>
  JSON.stringify(schema, (field, value) => (field === 'readOnly' && typeof value === 'boolean' ? undefined : value))
