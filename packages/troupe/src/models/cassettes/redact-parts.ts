/**
 * Redacts the parts of a stream. A secret may be split over two parts, so the text of all parts is checked. If a secret was
 * removed, the parts are recorded as one.
 */
import type { Json } from '../../core/index.ts'
import type { CassetteRedaction } from './cassette-redaction.ts'

type Part = { readonly [key: string]: Json }

export function redactParts(parts: readonly Json[], redaction: CassetteRedaction): readonly Json[] {
  const clean: Json[] = []
  const deltas = new Map<string, { readonly indexes: number[]; text: string }>()
  for (const part of parts) {
    const { type, id, delta } = part as Part
    if (typeof delta !== 'string') {
      clean.push(redaction.of({ answer: part }, 'answer'))
      continue
    }
    const key = `${String(type)} ${String(id)}`
    const run = deltas.get(key) ?? { indexes: [], text: '' }
    deltas.set(key, run)
    run.indexes.push(clean.length)
    run.text += delta
    clean.push(part)
  }
  const gone = new Set<number>()
  for (const { indexes, text } of deltas.values()) {
    const redactedPart = redaction.of({ answer: { delta: text } }, 'answer') as Part
    if (redactedPart.delta === text) continue
    const [first, ...others] = indexes as [number, ...number[]]
    clean[first] = { ...(clean[first] as Part), delta: redactedPart.delta ?? '' }
    for (const index of others) gone.add(index)
  }
  return clean.filter((_, index) => !gone.has(index))
}
