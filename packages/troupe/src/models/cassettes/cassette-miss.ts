/** Explains why a request is not on a cassette: where it differs from the most similar recorded one, without values. */
import { canonicalJson, type Json, nearest } from '../../core/index.ts'
import type { RecordedInteraction } from './recorded-interaction.ts'

type Asked = Pick<RecordedInteraction, 'kind' | 'name' | 'key' | 'nth' | 'request'>

/** Bounds of the recorded requests that are compared, and of the differences that are named and counted. */
const maxCompared = 500
const maxNamed = 5
const maxCounted = 100

export function cassetteMiss(asked: Asked, recorded: Iterable<RecordedInteraction>): string {
  const all = [...recorded].filter(({ kind }) => kind === asked.kind)
  const times = all.filter(({ key }) => key === asked.key).length
  if (times > 0)
    return `it was recorded ${times === 1 ? 'once' : `${times} times`}, and this is call ${asked.nth} of it`
  const named = all.filter(({ name }) => name === asked.name)
  if (named.length === 0) {
    const known = [...new Set(all.map(({ name }) => name))]
    const near = nearest(asked.name, known)
    return known.length === 0 ? `it holds none of that kind` : `recorded are ${near ?? known.slice(0, 10).join(', ')}`
  }
  let best: readonly string[] | undefined
  for (const one of named.slice(0, maxCompared)) {
    const found: string[] = []
    compare(one.request, asked.request, 'request', found)
    if (!best || found.length < best.length) best = found
  }
  const found = best ?? []
  const more = found.length > maxNamed ? `; and ${found.length - maxNamed} more` : ''
  return `compared with the nearest of ${named.length}, ${found.slice(0, maxNamed).join('; ')}${more}`
}

function compare(recorded: Json | undefined, asked: Json | undefined, path: string, found: string[]): void {
  if (found.length >= maxCounted) return
  if (recorded === undefined) found.push(`${path} is new`)
  else if (asked === undefined) found.push(`${path} is missing`)
  else if (isContainer(recorded) && isContainer(asked) && Array.isArray(recorded) === Array.isArray(asked)) {
    if (canonicalJson(recorded as Json) === canonicalJson(asked as Json)) return
    for (const key of new Set([...Object.keys(recorded), ...Object.keys(asked)]))
      compare(recorded[key], asked[key], `${path}.${key}`, found)
  } else if (recorded !== asked) found.push(`${path} differs${whereIn(recorded, asked)}`)
}

function whereIn(recorded: Json, asked: Json): string {
  if (typeof recorded !== 'string' || typeof asked !== 'string') return ''
  let same = 0
  while (same < recorded.length && recorded[same] === asked[same]) same++
  return ` from character ${same + 1}`
}

const isContainer = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null
