/**
 * Fills a JSON schema with values that the texts support. An unsupported value is omitted, null or empty if the schema
 * allows that; otherwise its path is reported.
 */
import type { JSONValue } from '@ai-sdk/provider'
import type { Material } from '../text/material.ts'
import type { FieldContext } from './field-context.ts'
import { fillNumber, fillString } from './fill-string.ts'
import { itemOf, type JsonSchema, type JsonSchemaObject, optionIn, typesOf } from './json-schema.ts'

export type Filled =
  | { readonly ok: true; readonly value: JSONValue; readonly empty: boolean }
  | { readonly ok: false; readonly missing: string }

/**
 * The depth to which a schema is followed, the number of fields that are filled in all, since a schema may contain itself
 * several times, and the number of elements of a list if the schema does not bound it.
 */
const limits = { depth: 10, fields: 10_000, items: 6, maxItems: 20 }

export class SchemaFiller {
  readonly #root: JsonSchemaObject
  readonly #material: Material
  #fields = 0

  constructor(schema: JsonSchema, material: Material) {
    this.#root = typeof schema === 'boolean' ? {} : schema
    this.#material = material
  }

  /** @returns the value for the whole schema, or the path of the first value that is required and not supported */
  fill(name = 'answer'): Promise<Filled> {
    return this.#fill(this.#root, { path: '$', name, description: '', depth: 0 })
  }

  async #fill(definition: JsonSchema, outer: FieldContext): Promise<Filled> {
    if (typeof definition === 'boolean') return filled(null, true)
    const schema = this.#resolved(definition)
    const field = { ...outer, depth: outer.depth + 1, description: schema.description ?? outer.description }
    if (field.depth > limits.depth || ++this.#fields > limits.fields) return missing(field)
    if (schema.const !== undefined) return filled(schema.const)
    if (schema.enum) return this.#choose(schema.enum, field)
    const options = schema.anyOf ?? schema.oneOf
    if (options) return this.#first(options, field)
    if (schema.allOf?.length) return this.#fill(merged(schema), field)
    const types = typesOf(schema)
    let failed: Filled | undefined
    for (const type of types) {
      if (type === 'null') continue
      const value = await this.#typed(type, schema, field)
      if (value.ok && !(value.empty && types.includes('null'))) return value
      if (!value.ok) failed ??= value
    }
    return types.includes('null') ? filled(null, true) : (failed ?? missing(field))
  }

  async #typed(type: string, schema: JsonSchemaObject, field: FieldContext): Promise<Filled> {
    if (type === 'object') return this.#object(schema, field)
    if (type === 'array') return this.#array(schema, field)
    if (type === 'boolean') return this.#boolean(schema, field)
    const value =
      type === 'string'
        ? await fillString(schema, field, this.#material)
        : fillNumber(schema, type === 'integer', field, this.#material)
    if (value !== undefined) return filled(value)
    if (schema.default !== undefined) return filled(schema.default)
    const mayBeEmpty = type === 'string' && !schema.minLength && !schema.pattern && !schema.format
    return mayBeEmpty ? filled('', true) : missing(field)
  }

  async #object(schema: JsonSchemaObject, field: FieldContext): Promise<Filled> {
    const value: Record<string, JSONValue> = {}
    let empty = true
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const required = schema.required?.includes(name) ?? false
      const one = await this.#fill(property, { ...field, name, path: `${field.path}.${name}`, description: '' })
      if (!one.ok && required) return one
      if (!one.ok || (one.empty && !required)) continue
      value[name] = one.value
      empty &&= one.empty
    }
    return filled(value, empty)
  }

  async #array(schema: JsonSchemaObject, field: FieldContext): Promise<Filled> {
    const item = itemOf(schema)
    const least = schema.minItems ?? 0
    const maxItems = Math.min(schema.maxItems ?? Math.max(limits.items, least), limits.maxItems)
    const list: JSONValue[] = []
    const seen = new Set<string>()
    for (const [index, element] of this.#elements(field, item).entries()) {
      if (list.length === maxItems) break
      const one = await this.#fill(item ?? true, {
        ...field,
        ...element,
        index,
        path: `${field.path}[${index}]`,
        description: '',
      })
      const text = one.ok ? JSON.stringify(one.value) : ''
      if (!one.ok || one.empty || seen.has(text)) continue
      seen.add(text)
      list.push(one.value)
    }
    return list.length < least ? missing(field) : filled(list, list.length === 0)
  }

  /** Returns the elements of a list: one for each part of the question, or for each sentence that answers it. */
  #elements(
    { name, description, quote, question }: FieldContext,
    item: JsonSchema | undefined,
  ): Pick<FieldContext, 'quote' | 'question'>[] {
    const { quotes, subQuestions, keywords, intent } = this.#material
    const about = `${name} ${description}`
    const schema = item === undefined || typeof item === 'boolean' ? {} : this.#resolved(item)
    const quoting = Object.keys(schema.properties ?? {}).some((one) =>
      /quote|excerpt|evidence|claim|line|citation/i.test(one),
    )
    if (/keyword|term|tag/i.test(name)) return keywords.map((one) => ({ question: one }))
    const asks = /question|quer(?:y|ies)|task|aspect|plan|step/i.test(about) || intent === 'split'
    if (asks && !quoting) return subQuestions.map((one) => ({ question: one }))
    if (/gap|missing|not_?found|unanswered|open/i.test(name))
      return this.#unanswered().map((one) => ({ question: one }))
    if (quote) return [{ quote }]
    return quotes.map((one) => (question === undefined ? { quote: one } : { quote: one, question }))
  }

  #unanswered(): string[] {
    return this.#material.quotes.length > 0 ? [] : [...this.#material.subQuestions]
  }

  #boolean(schema: JsonSchemaObject, field: FieldContext): Filled {
    const found = field.quote !== undefined || this.#material.quotes.length > 0
    if (/^(?:is_?|has_?)?(?:found|answered|supported|answerable|relevant)$/i.test(field.name)) return filled(found)
    return typeof schema.default === 'boolean' ? filled(schema.default) : missing(field)
  }

  /** An option is chosen only if its words occur in the sentence, the question or the text. */
  #choose(options: readonly JSONValue[], field: FieldContext): Filled {
    const { task, quotes } = this.#material
    const texts = [field.quote?.text, field.question, task.question, ...quotes.map((one) => one.text)]
    for (const text of texts) {
      const found = text === undefined ? undefined : optionIn(text, options)
      if (found !== undefined) return filled(found)
    }
    return options.includes(null)
      ? filled(null, true)
      : options.length === 1 && options[0] !== undefined
        ? filled(options[0])
        : missing(field)
  }

  async #first(options: readonly JsonSchema[], field: FieldContext): Promise<Filled> {
    let best: Filled | undefined
    for (const option of options) {
      const one = await this.#fill(option, field)
      if (one.ok && !one.empty) return one
      const isNull = one.ok && one.value === null
      if (one.ok && (!best?.ok || isNull)) best = one
    }
    return best ?? missing(field)
  }

  #resolved(schema: JsonSchemaObject): JsonSchemaObject {
    let current = schema
    for (let hops = 0; current.$ref !== undefined && hops < limits.depth; hops++) {
      let target: unknown = this.#root
      for (const step of current.$ref.replace(/^#\/?/, '').split('/').filter(Boolean))
        target =
          target && typeof target === 'object'
            ? Reflect.get(target, step.replaceAll('~1', '/').replaceAll('~0', '~'))
            : undefined
      if (!target || typeof target !== 'object') return {}
      current = target
    }
    return current
  }
}

function merged(schema: JsonSchemaObject): JsonSchemaObject {
  const parts = [schema, ...(schema.allOf ?? [])].filter((part) => typeof part !== 'boolean')
  const all: JsonSchemaObject = Object.assign({}, ...parts)
  return {
    ...all,
    allOf: [],
    properties: Object.assign({}, ...parts.map((part) => part.properties)),
    required: parts.flatMap((part) => part.required ?? []),
  }
}

function filled(value: JSONValue, empty = false): Filled {
  return { ok: true, value, empty }
}

function missing({ path }: FieldContext): Filled {
  return { ok: false, missing: path }
}
