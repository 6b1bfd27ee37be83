/** The range of time of a report of usage. */
import { failure } from '../../../../core/index.ts'

interface Range {
  readonly from?: string
  readonly to?: string
}

/**
 * @param what the method, for errors
 * @param lengthMs the length of the range if `from` is absent
 * @throws ValidationError
 */
export function checkedRange(
  what: string,
  range: Range,
  now: number,
  lengthMs: number,
): { readonly from: number; readonly to: number } {
  const timeOf = (name: 'from' | 'to', otherwise: number) => {
    const text = range[name]
    if (text === undefined) return otherwise
    const at = typeof text === 'string' ? Date.parse(text) : Number.NaN
    if (Number.isNaN(at)) throw failure('validation.failed', { what: `${what}.${name}`, problem: 'it is ISO text' })
    return at
  }
  const to = timeOf('to', now)
  const from = timeOf('from', to - lengthMs)
  if (to <= from) throw failure('validation.failed', { what: `${what}.to`, problem: 'it must be after from' })
  return { from, to }
}
