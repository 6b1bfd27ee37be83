/** Reads an answer that must fit a schema from the text of a model, and rejects it with a reason if it does not fit. */
import { type Json, parse, type Schema, type TroupeError } from '../../../core/index.ts'

export type Structured = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string }

export async function structuredOf(schema: Schema, value: Json): Promise<Structured> {
  try {
    const parsed = await parse(schema, value, 'The output')
    return { ok: true, value: JSON.parse(JSON.stringify(parsed ?? null)) as Json }
  } catch (error) {
    return { ok: false, problem: (error as TroupeError).message }
  }
}

/** Returns the JSON in a text, or the text itself if the schema accepts texts. */
export async function structuredText(schema: Schema, text: string): Promise<Structured> {
  let first: Structured | undefined
  for (const candidate of candidates(text)) {
    const found = await structuredOf(schema, candidate)
    if (found.ok) return found
    first ??= found
  }
  const asText = await structuredOf(schema, text)
  return asText.ok ? asText : (first ?? { ok: false, problem: 'it holds no JSON' })
}

/** Returns the text of the first fenced block. Each line is read once, because the text may be of any length. */
function fencedBlock(text: string): string | undefined {
  const opening = /```(?:json)?[^\S\n]*\n/.exec(text)
  if (!opening) return undefined
  const block = text.slice(opening.index + opening[0].length)
  const end = block.search(/\n[^\S\n]*```/)
  return end < 0 ? undefined : block.slice(0, end)
}

/**
 * Returns the JSON values that the text may mean: all of it, a fenced block, and the text between the outermost
 * brackets.
 */
function candidates(text: string): readonly Json[] {
  const fence = fencedBlock(text)
  const begin = text.search(/[[{]/)
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'))
  const found: Json[] = []
  for (const source of [text, fence, begin >= 0 && end > begin ? text.slice(begin, end + 1) : undefined]) {
    if (source === undefined) continue
    try {
      found.push(JSON.parse(source) as Json)
    } catch {
      // The next candidate may be JSON.
    }
  }
  return found
}
