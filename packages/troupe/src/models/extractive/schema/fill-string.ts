/** Finds the strings and numbers of a filled schema by the names of the properties. */
import type { JSONValue } from '@ai-sdk/provider'
import { truncateText } from '../../../core/index.ts'
import { termsOf } from '../../../documents/index.ts'
import { composeText, originNames } from '../text/compose-text.ts'
import type { Material } from '../text/material.ts'
import type { Facts } from '../text/sources.ts'
import type { FieldContext } from './field-context.ts'
import type { JsonSchemaObject } from './json-schema.ts'

/** Groups of names that mean the same value. */
const synonyms = [
  originNames,
  ['line', 'line_number', 'lineNumber', 'startLine', 'start_line', 'from'],
  ['endLine', 'end_line', 'to'],
  ['heading', 'title', 'section', 'headline'],
  ['agent', 'agent_name', 'agentName', 'author', 'by'],
]

const roles = {
  question: /^(?:sub_?)?(?:question|query|task|request|topic|goal|aspect|keyword|term|step)s?$/i,
  text: /^(?:answer|summary|report|content|draft|response|result|output|body|conclusion|overview)$/i,
  gap: /gap|missing|not_?found|unanswered/i,
  identity: /^(?:id|number|no)$/i,
  share: /confidence|relevance|coverage|score/i,
}

/** @returns a string that the texts support and the schema allows, or undefined */
export async function fillString(
  schema: JsonSchemaObject,
  field: FieldContext,
  material: Material,
): Promise<string | undefined> {
  const known = factFor(field.name, field.quote?.facts ?? {})
  if (typeof known === 'string') return firstAllowed([known], schema, material)
  if (schema.format !== undefined || schema.pattern !== undefined) return textMatching(schema, material)
  return firstAllowed(optionsFor(field, material), schema, material)
}

function optionsFor({ name, index, quote, question, description }: FieldContext, material: Material): string[] {
  const { task, quotes, intent } = material
  const texts = quotes.map((one) => one.text)
  if (roles.identity.test(name)) return index === undefined ? [] : [String(index + 1)]
  if (roles.question.test(name)) return [question ?? task.question]
  if (originNames.includes(name) || isFact(name)) return []
  if (roles.gap.test(name)) return question === undefined || quote ? [] : [question]
  if (quote) return [quote.text]
  if (
    question !== undefined &&
    /question|quer|task|aspect|gap|missing|keyword|tag|unanswered|plan|step/i.test(`${name} ${description}`)
  )
    return [question]
  if (intent === 'split' && question !== undefined) return [question]
  if (roles.text.test(name)) return quotes.length === 0 ? [] : [composeText(material), ...texts]
  return texts
}

function isFact(name: string): boolean {
  return synonyms.some((names) => names.includes(name))
}

function factFor(name: string, facts: Facts): Facts[string] | undefined {
  if (facts[name] !== undefined) return facts[name]
  const same = synonyms.find((names) => names.includes(name)) ?? []
  return same.map((other) => facts[other]).find((value) => value !== undefined)
}

async function firstAllowed(
  values: readonly string[],
  { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern }: JsonSchemaObject,
  { findFitting }: Material,
): Promise<string | undefined> {
  const allowed = values.filter((value) => {
    const length = [...value].length
    return length > 0 && length >= minLength && length <= maxLength
  })
  return pattern === undefined ? allowed[0] : findFitting(pattern, allowed)
}

const formats: ReadonlyMap<string, RegExp> = new Map([
  ['date', /\b\d{4}-\d{2}-\d{2}\b/],
  ['date-time', /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})/],
  // A match begins at the start of a word: a search from each letter finds nothing more.
  ['email', /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/],
  ['uri', /\bhttps?:\/\/[^\s<>"')\]]+/],
])

/** Returns a word or phrase of the texts in the format or pattern of the schema; undefined if there is none. */
async function textMatching(schema: JsonSchemaObject, material: Material): Promise<string | undefined> {
  const { task, quotes } = material
  const texts = [...quotes.map((one) => one.text), task.question, ...task.sources.map((one) => one.text)]
  const form = schema.format === undefined ? undefined : formats.get(schema.format)
  if (schema.format !== undefined && !form) return undefined
  for (const text of texts.map((one) => truncateText(one, 10_000))) {
    const values = form ? (form.exec(text) ?? []) : [...text.split(/\s+/), text]
    const found = await firstAllowed(values, schema, material)
    if (found !== undefined) return found
  }
  return undefined
}

/** @returns a number in the texts or in their records; undefined if there is none */
export function fillNumber(
  schema: JsonSchemaObject,
  integerOnly: boolean,
  field: FieldContext,
  material: Material,
): number | undefined {
  const fits = (value: JSONValue | undefined): value is number =>
    typeof value === 'number' &&
    (!integerOnly || Number.isInteger(value)) &&
    value >= (schema.minimum ?? Number.NEGATIVE_INFINITY) &&
    value <= (schema.maximum ?? Number.POSITIVE_INFINITY) &&
    (typeof schema.exclusiveMinimum !== 'number' || value > schema.exclusiveMinimum) &&
    (typeof schema.exclusiveMaximum !== 'number' || value < schema.exclusiveMaximum)
  const { quote, name, index } = field
  const known = factFor(name, quote?.facts ?? {})
  if (fits(known)) return known
  if (isFact(name)) return undefined
  if (roles.identity.test(name)) return index === undefined ? undefined : index + 1
  // The only measure of a sentence is the share of the question's words that it holds.
  if (roles.share.test(name)) {
    const share = Math.round(((quote ?? material.quotes[0])?.coverage ?? 0) * 100) / 100
    return !integerOnly && fits(share) ? share : undefined
  }
  const texts = quote ? [quote.text] : [...material.quotes.map((one) => one.text), material.task.question]
  return numbersFor(name, texts).find(fits)
}

/** Returns the numbers of the sentences that hold a word of the name; without such a sentence, the only number. */
function numbersFor(name: string, texts: readonly string[]): number[] {
  const wanted = termsOf(name.replaceAll('_', ' '))
  const found: { value: number; near: number }[] = []
  for (const text of texts) {
    const terms = new Set(termsOf(text))
    const near = wanted.filter((term) => terms.has(term)).length
    for (const [digits] of text.matchAll(/(?<![\p{L}\p{N}.])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\p{L}\p{N}])/gu))
      found.push({ value: Number(digits.replaceAll(',', '')), near })
  }
  const close = found.filter((one) => one.near > 0).sort((a, b) => b.near - a.near)
  return (close.length > 0 || found.length > 1 ? close : found).map((one) => one.value)
}
