/** Options are known or refused: a misspelt one never passes silently. */
import { failure } from './errors/failure.ts'
import { nearest } from './nearest.ts'

/**
 * @param where names the place in the error, e.g. `push`
 * @throws ValidationError `option.unknown`, naming the nearest known option
 */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  for (const option of Object.keys(options))
    if (!known.includes(option))
      throw failure('option.unknown', { where, option, nearest: nearest(option, known) ?? known.join(', ') })
}
