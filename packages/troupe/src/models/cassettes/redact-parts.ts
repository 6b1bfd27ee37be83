/**
 * The pieces of a stream without what is secret. A secret may be cut in two by the pieces: they are judged together, and
 * where something had to go they are kept as one.
 */
import type { Json } from '../../core/index.ts'
import type { Redaction } from './redaction.ts'

type Part = { readonly [key: string]: Json }

export function redactParts(parts: readonly Json[], redaction: Redaction): readonly Json[] {
  const clean: Json[] = []
  const deltas = new Map<string, { readonly places: number[]; text: string }>()
  for (const part of parts) {
    const { type, id, delta } = part as Part
    if (typeof delta !== 'string') {
      clean.push(redaction.of({ answer: part }, 'answer'))
      continue
    }
    const key = `${String(type)} ${String(id)}`
    const run = deltas.get(key) ?? { places: [], text: '' }
    deltas.set(key, run)
    run.places.push(clean.length)
    run.text += delta
    clean.push(part)
  }
  const gone = new Set<number>()
  for (const { places, text } of deltas.values()) {
    const whole = redaction.of({ answer: { delta: text } }, 'answer') as Part
    if (whole.delta === text) continue
    const [first, ...others] = places as [number, ...number[]]
    clean[first] = { ...(clean[first] as Part), delta: whole.delta ?? '' }
    for (const place of others) gone.add(place)
  }
  return clean.filter((_, place) => !gone.has(place))
}
